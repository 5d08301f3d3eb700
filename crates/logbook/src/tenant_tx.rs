//! The one door to SQL: a transaction of one tenant.

use crate::refusal::Fault;
use deadpool_postgres::{Object, Pool};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_postgres::{Row, types::ToSql};
use units::TenantId;

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Appends to the log: READ COMMITTED, so that what follows the lock sees what was committed before it.
    Append,
    /// Reads one instant of the database.
    Read,
    /// Compares and mends history rows under the tenant's lock, for as long as it takes.
    Rebuild,
}

/// A transaction of one tenant. Dropped before its end, it takes its connection along, so that no one inherits it.
pub struct TenantTx {
    client: Option<Object>,
    clean: AtomicBool,
}

impl TenantTx {
    /// Begins: sets the tenant for this transaction alone.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(pool: &Pool, tenant: TenantId, mode: Mode) -> Result<Self, Fault> {
        let transaction = Self { client: Some(pool.get().await?), clean: AtomicBool::new(false) };
        transaction.client().batch_execute(&beginning(tenant, mode)).await?;
        Ok(transaction)
    }

    /// Takes a connection without saying anything on it yet: the caller pipelines [`beginning`] with what follows.
    pub(crate) async fn take(pool: &Pool) -> Result<Self, Fault> {
        Ok(Self { client: Some(pool.get().await?), clean: AtomicBool::new(false) })
    }

    pub(crate) fn client(&self) -> &Object {
        self.client.as_ref().expect("a transaction has its connection until its end")
    }

    /// Rows of a prepared statement.
    ///
    /// # Errors
    /// When PostgreSQL says no.
    pub async fn query(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Fault> {
        let statement = self.client().prepare_cached(sql).await?;
        Ok(self.client().query(&statement, parameters).await?)
    }

    /// How many rows a prepared statement touched.
    ///
    /// # Errors
    /// When PostgreSQL says no.
    pub async fn execute(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64, Fault> {
        let statement = self.client().prepare_cached(sql).await?;
        Ok(self.client().execute(&statement, parameters).await?)
    }

    /// Ends it and keeps what it wrote. Every statement before must have returned Ok: a COMMIT after a failed one
    /// answers Ok and keeps nothing.
    ///
    /// # Errors
    /// When PostgreSQL says no, or its answer was lost: then nobody knows whether it was kept.
    pub async fn commit(mut self) -> Result<(), Fault> {
        self.client().batch_execute("COMMIT").await?;
        drop(self.client.take());
        Ok(())
    }

    /// Ends it and keeps nothing.
    ///
    /// # Errors
    /// When the connection is lost, which keeps nothing either.
    pub async fn rollback(mut self) -> Result<(), Fault> {
        self.client().batch_execute("ROLLBACK").await?;
        drop(self.client.take());
        Ok(())
    }

    /// Ends a reading transaction that others may still refer to; once they are gone its connection can be used again.
    pub(crate) async fn end(&self) {
        match self.client().batch_execute("ROLLBACK").await {
            Ok(()) => self.clean.store(true, Ordering::Relaxed),
            Err(error) => tracing::debug!(%error, "a reading transaction was lost"),
        }
    }

    /// Hands the connection back after the caller ended the transaction itself.
    pub(crate) fn ended(mut self) {
        drop(self.client.take());
    }
}

/// The words that begin a transaction of a tenant. `SET LOCAL` takes no parameter, so a typed id is written into it.
pub(crate) fn beginning(tenant: TenantId, mode: Mode) -> String {
    let begin = match mode {
        Mode::Append => {
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '20s'; \
             SET LOCAL idle_in_transaction_session_timeout = '15s'"
        }
        Mode::Read => {
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL plan_cache_mode = 'force_custom_plan'; \
             SET LOCAL jit = off; SET LOCAL random_page_cost = 1.1; SET LOCAL statement_timeout = '10s'; \
             SET LOCAL idle_in_transaction_session_timeout = '15s'"
        }
        Mode::Rebuild => "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '10s'",
    };
    format!("{begin}; SET LOCAL quarterdeck.tenant = '{tenant}'")
}

impl Drop for TenantTx {
    fn drop(&mut self) {
        let clean = self.clean.load(Ordering::Relaxed);
        if let Some(client) = self.client.take().filter(|_| !clean) {
            drop(Object::take(client));
        }
    }
}
