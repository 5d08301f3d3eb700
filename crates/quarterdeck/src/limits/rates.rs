//! How often one may ask, and how much: for each login and for each tenant, by requests before anything is read of them
//! and by cost before they are executed.

use async_graphql::{ErrorExtensionValues, ServerError};
use clap::Args;
use governor::{Quota, RateLimiter, clock::Clock, clock::DefaultClock, state::keyed::DefaultKeyedStateStore};
use std::{
    hash::Hash,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};
use units::TenantId;
use uuid::Uuid;

/// How many seconds' worth may be asked at once after a pause.
const BURST_SECONDS: u32 = 10;
/// After how many questions keys that have paused long enough are forgotten.
const FORGET_EVERY: u32 = 1_024;

/// How often one may ask; 0 is without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct RateArgs {
    /// Requests a second of one login, ten seconds' worth at once; 0: without end
    #[arg(
        long = "rate-login-requests",
        env = "QUARTERDECK_RATE_LOGIN_REQUESTS",
        default_value_t = DEFAULT.login_requests,
        value_name = "N"
    )]
    pub login_requests: u32,
    /// Cost a second of one login, ten seconds' worth at once; 0: without end
    #[arg(
        long = "rate-login-cost",
        env = "QUARTERDECK_RATE_LOGIN_COST",
        default_value_t = DEFAULT.login_cost,
        value_name = "N"
    )]
    pub login_cost: u32,
    /// Requests a second of one tenant, ten seconds' worth at once; 0: without end
    #[arg(
        long = "rate-tenant-requests",
        env = "QUARTERDECK_RATE_TENANT_REQUESTS",
        default_value_t = DEFAULT.tenant_requests,
        value_name = "N"
    )]
    pub tenant_requests: u32,
    /// Cost a second of one tenant, ten seconds' worth at once; 0: without end
    #[arg(
        long = "rate-tenant-cost",
        env = "QUARTERDECK_RATE_TENANT_COST",
        default_value_t = DEFAULT.tenant_cost,
        value_name = "N"
    )]
    pub tenant_cost: u32,
}

const DEFAULT: RateArgs =
    RateArgs { login_requests: 1_000, login_cost: 100_000, tenant_requests: 5_000, tenant_cost: 500_000 };

impl Default for RateArgs {
    fn default() -> Self {
        DEFAULT
    }
}

/// Whose requests are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RateKey {
    /// Whose data it is.
    pub tenant: TenantId,
    /// Who asks, as the log names the actor.
    pub login: String,
    /// By which key or link, so that a key that runs wild does not starve its owner's others; none: by none.
    pub by: Option<Uuid>,
}

/// Why a request has to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Which rate.
    pub limit: &'static str,
    /// Its value, a second.
    pub max: u32,
    /// When it may come again.
    pub after: Duration,
}

impl Wait {
    /// Whole seconds, for Retry-After.
    pub fn seconds(&self) -> u64 {
        self.after.as_millis().div_ceil(1_000).clamp(1, 3_600) as u64
    }

    /// As the API tells it.
    pub fn error(&self) -> ServerError {
        let (limit, max, seconds) = (self.limit, self.max, self.seconds());
        let message = format!("Too much is asked: {limit}, at most {max} a second. Come again in {seconds} s.");
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", "RATE_LIMITED");
        extensions.set("limit", limit);
        extensions.set("max", max);
        extensions.set("retryAfterSeconds", seconds);
        let mut error = ServerError::new(message, None);
        error.extensions = Some(extensions);
        error
    }
}

/// The rates of all that ask.
pub struct Rates {
    login_requests: Option<Rate<RateKey>>,
    login_cost: Option<Rate<RateKey>>,
    tenant_requests: Option<Rate<TenantId>>,
    tenant_cost: Option<Rate<TenantId>>,
}

impl Rates {
    /// Rates as configured. `cost_max` is the cost of the largest request: a burst always has room for it.
    pub fn new(args: RateArgs, cost_max: u64) -> Self {
        let room = u32::try_from(cost_max).unwrap_or(u32::MAX);
        Self {
            login_requests: Rate::new("requests of a login", args.login_requests, 1),
            login_cost: Rate::new("cost of a login's requests", args.login_cost, room),
            tenant_requests: Rate::new("requests of a tenant", args.tenant_requests, 1),
            tenant_cost: Rate::new("cost of a tenant's requests", args.tenant_cost, room),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// When it has to wait.
    pub fn request(&self, key: &RateKey) -> Result<(), Wait> {
        check(self.login_requests.as_ref(), key, 1)?;
        check(self.tenant_requests.as_ref(), &key.tenant, 1)
    }

    /// Counts a request's cost.
    ///
    /// # Errors
    /// When it has to wait.
    pub fn cost(&self, key: &RateKey, cost: u64) -> Result<(), Wait> {
        check(self.login_cost.as_ref(), key, cost)?;
        check(self.tenant_cost.as_ref(), &key.tenant, cost)
    }

    /// How many keys are remembered.
    pub fn remembered(&self) -> usize {
        let logins = [&self.login_requests, &self.login_cost].into_iter().flatten().map(|rate| rate.keys.len());
        let tenants = [&self.tenant_requests, &self.tenant_cost].into_iter().flatten().map(|rate| rate.keys.len());
        logins.chain(tenants).sum()
    }
}

fn check<K: Hash + Eq + Clone>(rate: Option<&Rate<K>>, key: &K, amount: u64) -> Result<(), Wait> {
    rate.map_or(Ok(()), |rate| rate.check(key, amount))
}

struct Rate<K: Hash + Eq + Clone> {
    name: &'static str,
    max: u32,
    keys: RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock>,
    until_forgetting: AtomicU32,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    fn new(name: &'static str, max: u32, room: u32) -> Option<Self> {
        let a_second = NonZeroU32::new(max)?;
        let burst = NonZeroU32::new(max.saturating_mul(BURST_SECONDS).max(room))?;
        let keys = RateLimiter::keyed(Quota::per_second(a_second).allow_burst(burst));
        Some(Self { name, max, keys, until_forgetting: AtomicU32::new(0) })
    }

    fn check(&self, key: &K, amount: u64) -> Result<(), Wait> {
        if self.until_forgetting.fetch_add(1, Relaxed).is_multiple_of(FORGET_EVERY) {
            self.keys.retain_recent();
            self.keys.shrink_to_fit();
        }
        let Some(amount) = NonZeroU32::new(u32::try_from(amount).unwrap_or(u32::MAX)) else { return Ok(()) };
        let wait = |after| Wait { limit: self.name, max: self.max, after };
        match self.keys.check_key_n(key, amount) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(wait(not_until.wait_time_from(self.keys.clock().now()))),
            Err(_) => Err(wait(Duration::from_secs(BURST_SECONDS.into()))),
        }
    }
}
