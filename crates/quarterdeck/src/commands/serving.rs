//! Serving, and the demonstration.

use super::{Problem, Visit, say};
use crate::{
    cli::{DemoArgs, ServeArgs},
    database::{Database, Purpose, Settings},
    demo, examples,
    http::{self, State, trusted::Trusted},
    identity::{Identity, IdentityArgs, Mode},
    limits::{Switch, Walls},
    server::{Running, Server},
    signals::Signals,
};
use logbook::fresh_id;
use std::{
    net::{IpAddr, TcpListener},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

/// Serves until it is told to stop.
pub(super) async fn serve(settings: &Settings, args: &ServeArgs, signals: &Signals) -> Result<ExitCode, Problem> {
    let door = Door::of(args)?;
    let visit = Visit::begin(settings, Purpose::Serve).await?;
    listen(visit, door, signals).await
}

/// Makes the demonstration's company when it is not there yet, and serves it.
pub(super) async fn demo(settings: &Settings, args: &DemoArgs, signals: &Signals) -> Result<ExitCode, Problem> {
    let door = if args.no_serve { None } else { Some(Door::of(&args.serve)?) };
    let purpose = if door.is_some() { Purpose::Serve } else { Purpose::Visit };
    let visit = Visit::begin(settings, purpose).await?;
    let made = demo::company(&visit.logbook, &visit.database.watch, &args.tenant).await;
    let made = made.map(|made| say(&made)).map_err(|error| Problem::Told(error.to_string()));
    match (made, door) {
        (Ok(()), Some(door)) => listen(visit, door, signals).await,
        (made, _) => {
            visit.database.leave().await;
            made.map(|()| ExitCode::SUCCESS)
        }
    }
}

/// Where the server is reached, and what stands before it; made before anything is started for it.
struct Door {
    listener: TcpListener,
    trusted: Trusted,
    walls: Walls,
    identity: IdentityArgs,
}

impl Door {
    fn of(args: &ServeArgs) -> Result<Self, Problem> {
        let trusted = Trusted::load(&args.trusted).map_err(Problem::Told)?;
        Ok(Self { listener: bound(args)?, trusted, walls: args.walls.clone(), identity: args.identity.clone() })
    }
}

/// The place to listen at, taken before anything is started or made for it.
fn bound(args: &ServeArgs) -> Result<TcpListener, Problem> {
    let address = args.listen;
    let loopback = match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback(),
    };
    let required = args.identity.identity == Mode::Required;
    if !loopback && !args.behind_loopback && !required {
        return Err(Problem::Told(format!(
            "{address} can be reached by others, and without keys whoever reaches the server may do everything: \
             add --identity required, or listen at an address of the loopback, such as 127.0.0.1:8080"
        )));
    }
    TcpListener::bind(address).map_err(Problem::io(format!("listening at {address}")))
}

async fn listen(visit: Visit, door: Door, signals: &Signals) -> Result<ExitCode, Problem> {
    let Door { listener, trusted, walls, identity } = door;
    let at = listener.local_addr().map_err(Problem::io("listening"))?;
    let Visit { database, logbook } = visit;
    let server =
        Server::new(Arc::clone(&logbook), database.watch.clone(), tokio::runtime::Handle::current()).behind(&walls);
    let keyring = server.keyring();
    keyring.refresh().await;
    let keeping = tokio::spawn(Arc::clone(&keyring).keep());
    let state = State {
        identity: Arc::new(Identity::new(identity.identity, keyring, identity.tokens().await)),
        executor: Arc::new(Running(Arc::new(server))),
        fresh_id,
        deadline: walls.limits.deadline(),
        limits: walls.limits.clone(),
        introspection: walls.introspection == Switch::On,
        trusted,
        examples: examples::all(),
        ready: ready(&database),
        metrics: metrics(&database),
    };
    signals.mind();
    say(&format!("Quarterdeck serves at http://{at}/ (GraphQL at http://{at}/graphql). Stop it with Ctrl-C."));
    let stop = tokio::sync::watch::channel(false);
    let mut stopped = stop.1;
    let serving = tokio::task::spawn_blocking(move || {
        actix_web::rt::System::new().block_on(http::serve(state, listener, async move {
            drop(stopped.wait_for(|stop| *stop).await);
        }))
    });
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = kept_alive(&database) => serving.await,
        _ = signals.told() => {
            tracing::info!("stopping: requests in flight are finished first");
            stop.0.send_replace(true);
            serving.await
        }
    };
    keeping.abort();
    database.leave().await;
    ended.map_err(|error| Problem::Told(error.to_string()))?.map_err(Problem::io("serving"))?;
    Ok(ExitCode::SUCCESS)
}

/// Starts our own PostgreSQL again whenever it is gone.
async fn kept_alive(database: &Database) {
    let Some(cluster) = database.cluster() else { return std::future::pending().await };
    let mut every = tokio::time::interval(Duration::from_millis(500));
    loop {
        every.tick().await;
        if let Err(error) = cluster.ensure_running().await {
            tracing::error!(%error, "PostgreSQL is gone and could not be started again");
        }
    }
}

fn ready(database: &Database) -> http::ReadyProbe {
    let app = database.app.clone();
    Arc::new(move || {
        let app = app.clone();
        Box::pin(async move {
            let client = app.get().await.map_err(|error| format!("no connection to PostgreSQL: {error}"))?;
            client.simple_query("SELECT 1").await.map_err(|error| format!("PostgreSQL does not answer: {error}"))?;
            Ok(())
        })
    })
}

fn metrics(database: &Database) -> http::MetricsProbe {
    let app = database.app.clone();
    Arc::new(move || {
        let status = app.status();
        format!(
            "# HELP quarterdeck_connections Connections to PostgreSQL in the app role.\n\
             # TYPE quarterdeck_connections gauge\n\
             quarterdeck_connections {}\n\
             # HELP quarterdeck_connections_waited_for Requests that wait for a connection.\n\
             # TYPE quarterdeck_connections_waited_for gauge\n\
             quarterdeck_connections_waited_for {}\n",
            status.size, status.waiting
        )
    })
}
