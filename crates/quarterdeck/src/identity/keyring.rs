//! The logins that open something, of all tenants, in memory: read anew every second. When they cannot be read for longer
//! than revocations may take, nothing is opened.

use deadpool_postgres::Pool;
use logbook::Fault;
use sales::access::Login;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant as Moment},
};
use tokio_postgres::Row;
use units::{Instant, PersonId, TenantId, Text};
use uuid::Uuid;

/// How often they are read.
const EVERY: Duration = Duration::from_secs(1);
/// How long a reading may take.
const WAIT_MAX: Duration = Duration::from_secs(3);
/// How old what is known may be: as long as a revocation may take.
const AGE_MAX: Duration = Duration::from_secs(5);
/// Logins that are held at most; with more, nothing is opened.
const LOGINS_MAX: usize = 100_000;

/// The logins that open something.
pub struct Keyring {
    watch: Option<Pool>,
    held: RwLock<Option<Arc<Held>>>,
    reading: tokio::sync::Mutex<()>,
}

/// What was read at a moment.
#[derive(Debug)]
pub(super) struct Held {
    keys: HashMap<(TenantId, Uuid), Key>,
    links: HashMap<(String, String), Vec<Link>>,
    /// When it was asked for.
    asked_at: Moment,
}

/// A key, without its secret.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) tenant_name: String,
    pub(super) login: Login,
    pub(super) secret_sha256: String,
    pub(super) expires_at: Option<Instant>,
}

/// Whom a tenant knows a token's subject as.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) tenant: TenantId,
    pub(super) tenant_name: String,
    pub(super) login: Login,
    pub(super) id: Uuid,
}

impl Keyring {
    /// A keyring over connections in the watch role. It knows nothing until it is read.
    pub fn new(watch: Pool) -> Self {
        Self { watch: Some(watch), held: RwLock::default(), reading: tokio::sync::Mutex::default() }
    }

    /// A keyring that never opens anything, for a server without a database.
    pub fn empty() -> Self {
        Self { watch: None, held: RwLock::default(), reading: tokio::sync::Mutex::default() }
    }

    /// Reads it anew for as long as it is polled.
    pub async fn keep(self: Arc<Self>) {
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            self.refresh().await;
        }
    }

    /// Reads it anew: what was committed before the call is known after it. Failing that, it stays as it was.
    pub async fn refresh(&self) {
        let Some(watch) = &self.watch else { return };
        let _reading = self.reading.lock().await;
        let asked_at = Moment::now();
        let read = tokio::time::timeout(WAIT_MAX, read(watch, asked_at)).await;
        match read.unwrap_or_else(|_| Err(Fault::new("reading the logins", "it took too long"))) {
            Ok(held) => *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(held)),
            Err(fault) => tracing::warn!(%fault, "the logins could not be read: after 5 s no key opens anything"),
        }
    }

    /// What is known; `None` when it is too old to go by.
    pub(super) fn held(&self) -> Option<Arc<Held>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        held.filter(|held| held.asked_at.elapsed() <= AGE_MAX)
    }
}

async fn read(watch: &Pool, asked_at: Moment) -> Result<Held, Fault> {
    let client = watch.get().await?;
    let statement = client.prepare_cached(include_str!("sql/live_logins.sql")).await?;
    let limit = i64::try_from(LOGINS_MAX + 1).expect("it is far below the bound");
    let rows = client.query(&statement, &[&limit]).await?;
    if rows.len() > LOGINS_MAX {
        return Err(Fault::new("reading the logins", format!("there are more than {LOGINS_MAX}")));
    }
    let mut held = Held { keys: HashMap::new(), links: HashMap::new(), asked_at };
    for row in &rows {
        held.take(row)?;
    }
    Ok(held)
}

impl Held {
    pub(super) fn key(&self, tenant: TenantId, login: Uuid) -> Option<&Key> {
        self.keys.get(&(tenant, login))
    }

    pub(super) fn links(&self, issuer: &str, subject_claim: &str) -> &[Link] {
        self.links.get(&(issuer.to_owned(), subject_claim.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// Whether several tenants take tokens.
    pub(super) fn several_link(&self) -> bool {
        let mut tenants = self.links.values().flatten().map(|link| link.tenant);
        let first = tenants.next();
        tenants.any(|tenant| Some(tenant) != first)
    }

    fn take(&mut self, row: &Row) -> Result<(), Fault> {
        let (tenant, tenant_name, id) = (TenantId(row.get("tenant_id")), row.get("name"), row.get("id"));
        let service = row.get::<_, Option<&str>>("service").map(Text::new).transpose();
        let service = service.map_err(|error| Fault::new("reading a login", error))?;
        let login = match (row.get::<_, Option<Uuid>>("person_id"), service) {
            (Some(person), None) => Login::Person(PersonId(person)),
            (None, Some(service)) => Login::Service(service),
            _ => return Err(Fault::new("reading a login", "it stands for nobody")),
        };
        let token: (Option<String>, Option<String>) = (row.get("issuer"), row.get("subject_claim"));
        match (row.get("secret_sha256"), token) {
            (Some(secret_sha256), (None, None)) => {
                let key = Key { tenant_name, login, secret_sha256, expires_at: row.get("expires_at") };
                self.keys.insert((tenant, id), key);
            }
            (None, (Some(issuer), Some(subject_claim))) => {
                let links = self.links.entry((issuer, subject_claim)).or_default();
                links.push(Link { tenant, tenant_name, login, id });
            }
            _ => return Err(Fault::new("reading a login", "it is neither a key nor a token's subject")),
        }
        Ok(())
    }
}

#[cfg(test)]
impl Keyring {
    /// A keyring that knows one key and one link of each of some tenants, as if read just now.
    pub(super) fn of(keys: Vec<((TenantId, Uuid), Key)>, links: Vec<((String, String), Link)>) -> Self {
        let keyring = Self::empty();
        let mut held = Held { keys: keys.into_iter().collect(), links: HashMap::new(), asked_at: Moment::now() };
        for (subject, link) in links {
            held.links.entry(subject).or_default().push(link);
        }
        *keyring.held.write().unwrap() = Some(Arc::new(held));
        keyring
    }

    /// The same, read some time ago.
    pub(super) fn aged(&self, by: Duration) {
        let mut held = self.held.write().unwrap();
        let Held { keys, links, asked_at } = Arc::try_unwrap(held.take().unwrap()).unwrap();
        *held = Some(Arc::new(Held { keys, links, asked_at: asked_at - by }));
    }
}
