//! Group commit: one writer a tenant takes whatever commands queued while the last commit ran.

use crate::{
    append::{self, Answer, Failure, Ground},
    clock::Clock,
    refusal::{Fault, Rejection},
    registry::Registry,
    submission::Submission,
    tenants::Tenant,
};
use deadpool_postgres::Pool;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};
use units::TenantId;

/// Commands that may wait for a tenant's writer; more are told to come again.
const QUEUE_MAX: usize = 2_048;
/// Commands of one batch of the writer.
const BATCH_COMMANDS_MAX: usize = 256;
/// Commands of one batch of [`Logbook::append`].
const BULK_COMMANDS_MAX: usize = 500;

/// The log of all tenants, for writing.
pub struct Logbook {
    app: Pool,
    registry: Arc<Registry>,
    clock: Clock,
    writers: Mutex<HashMap<TenantId, mpsc::Sender<Waiting>>>,
}

struct Waiting {
    submission: Submission,
    answer: oneshot::Sender<Answer>,
}

impl Logbook {
    /// A log over a pool of connections in the app role.
    pub fn new(app: Pool, registry: Arc<Registry>, clock: Clock) -> Self {
        Self { app, registry, clock, writers: Mutex::default() }
    }

    /// The pool of connections in the app role.
    pub fn pool(&self) -> &Pool {
        &self.app
    }

    /// The slices that the log knows.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Its clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Puts a command to the log and waits for the answer. The writer owns the command from here: a caller that goes
    /// away changes nothing.
    ///
    /// # Errors
    /// When it is rejected, or something broke.
    pub async fn submit(&self, tenant: &Tenant, submission: Submission) -> Answer {
        let (answer, answered) = oneshot::channel();
        let mut waiting = Waiting { submission, answer };
        loop {
            match self.writer(tenant).try_send(waiting) {
                Ok(()) => break,
                Err(TrySendError::Full(_)) => return Err(Failure::Rejected(Arc::new(Rejection::Busy))),
                Err(TrySendError::Closed(back)) => {
                    self.writers.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant.id);
                    waiting = back;
                }
            }
        }
        answered.await.unwrap_or_else(|_| {
            let gone = "the writer went away: whether the command was taken down is seen by sending it again";
            Err(Failure::Fault(Arc::new(Fault::new("writing a batch", gone))))
        })
    }

    /// Appends many commands in order, a few hundred a transaction.
    pub async fn append(&self, tenant: &Tenant, submissions: &[Submission]) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(submissions.len());
        for chunk in submissions.chunks(BULK_COMMANDS_MAX) {
            answers.extend(append::append(&self.ground(tenant), chunk).await);
        }
        answers
    }

    fn ground<'a>(&'a self, tenant: &'a Tenant) -> Ground<'a> {
        Ground { pool: &self.app, registry: &self.registry, tenant, clock: self.clock }
    }

    fn writer(&self, tenant: &Tenant) -> mpsc::Sender<Waiting> {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = writers.entry(tenant.id).or_insert_with(|| {
            let (sender, queue) = mpsc::channel(QUEUE_MAX);
            let (app, registry, clock) = (self.app.clone(), Arc::clone(&self.registry), self.clock);
            tokio::spawn(write(app, registry, clock, tenant.clone(), queue));
            sender
        });
        writer.clone()
    }
}

async fn write(app: Pool, registry: Arc<Registry>, clock: Clock, tenant: Tenant, mut queue: mpsc::Receiver<Waiting>) {
    let ground = Ground { pool: &app, registry: &registry, tenant: &tenant, clock };
    let mut taken = Vec::new();
    while queue.recv_many(&mut taken, BATCH_COMMANDS_MAX).await > 0 {
        let (submissions, callers): (Vec<_>, Vec<_>) =
            taken.drain(..).map(|waiting| (waiting.submission, waiting.answer)).unzip();
        let answers = append::append(&ground, &submissions).await;
        for (caller, answer) in callers.into_iter().zip(answers) {
            drop(caller.send(answer)); // whoever hung up needs no answer
        }
    }
}
