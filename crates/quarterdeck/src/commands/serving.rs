//! Serving, and the demonstration.

use super::{Problem, Visit, say};
use crate::{
    cli::{DemoArgs, ServeArgs},
    database::{Database, Purpose, Settings},
    demo, examples,
    http::{self, State},
    server::{Running, Server},
};
use logbook::fresh_id;
use std::{
    net::{IpAddr, TcpListener},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio::signal::unix::{SignalKind, signal};

/// How long a request may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Serves until it is told to stop.
pub(super) async fn serve(settings: &Settings, args: &ServeArgs) -> Result<ExitCode, Problem> {
    let visit = Visit::begin(settings, Purpose::Serve).await?;
    listen(visit, args).await
}

/// Makes the demonstration's company when it is not there yet, and serves it.
pub(super) async fn demo(settings: &Settings, args: &DemoArgs) -> Result<ExitCode, Problem> {
    let purpose = if args.no_serve { Purpose::Visit } else { Purpose::Serve };
    let visit = Visit::begin(settings, purpose).await?;
    let made = demo::company(&visit.logbook, &visit.database.watch, &args.tenant).await;
    say(&made.map_err(|error| Problem::Told(error.to_string()))?);
    if args.no_serve {
        visit.database.leave().await;
        return Ok(ExitCode::SUCCESS);
    }
    listen(visit, &args.serve).await
}

async fn listen(visit: Visit, args: &ServeArgs) -> Result<ExitCode, Problem> {
    let address = args.listen;
    let loopback = match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback(),
    };
    if !loopback && !args.behind_loopback {
        visit.database.leave().await;
        return Err(Problem::Told(format!(
            "{address} can be reached by others, and until there are keys whoever reaches the server may do everything: \
             listen at an address of the loopback, such as 127.0.0.1:8080"
        )));
    }
    let told = told_to_stop();
    let listener = TcpListener::bind(address).map_err(Problem::io(format!("listening at {address}")))?;
    let at = listener.local_addr().map_err(Problem::io("listening"))?;
    let Visit { database, logbook } = visit;
    let server = Server::new(Arc::clone(&logbook), database.watch.clone(), tokio::runtime::Handle::current());
    let state = State {
        executor: Arc::new(Running(Arc::new(server))),
        fresh_id,
        deadline: DEADLINE,
        examples: examples::all(),
        ready: ready(&database),
        metrics: metrics(&database),
    };
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
        () = told => {
            tracing::info!("stopping: requests in flight are finished first");
            stop.0.send_replace(true);
            serving.await
        }
    };
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

/// Ends when the process is told to stop. The signals are taken from the call on, not from the first look at it.
fn told_to_stop() -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else { return std::future::pending().await };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
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
