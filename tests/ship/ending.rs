//! What is broken off leaves nothing running and nothing half done.

use crate::{
    harness::{Ship, in_role},
    own::{Folder, program, ran, said},
};
use chrono::{Days, NaiveDate};
use quarterdeck::{database, demo};
use serde_json::json;
use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Whether a process runs; one that is dead and that nobody took note of does not.
fn alive(process: &str) -> bool {
    let said = Command::new("ps").args(["-o", "stat=", "-p", process]).output().unwrap();
    let state = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

/// The postmaster of a data folder, once there is one.
fn postmaster(data: &Path) -> String {
    let begun = Instant::now();
    loop {
        let file = std::fs::read_to_string(data.join("data/postmaster.pid")).unwrap_or_default();
        if let Some(process) = file.lines().next().filter(|_| file.lines().count() > 5) {
            return process.to_owned();
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "PostgreSQL runs");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_command_that_is_broken_off_leaves_no_postmaster_and_can_be_said_again() {
    let folder = Folder::new("broken off");
    let data = folder.data();
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let mut demo = program(&data, &["demo", "--no-serve"]);
        let mut demo = demo.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let postmaster = postmaster(&data);
        std::thread::sleep(Duration::from_millis(700));
        Command::new("kill").args([&format!("-{signal}"), &demo.id().to_string()]).status().unwrap();
        assert_eq!(demo.wait().unwrap().code(), Some(code), "{signal}");
        assert!(!alive(&postmaster), "{signal} leaves no postmaster");
    }
    assert!(said(&data, &["demo", "--no-serve"]).contains("made the tenant demo"));
    assert!(said(&data, &["demo", "--no-serve"]).contains("is there already"));
    assert!(said(&data, &["rebuild", "--check"]).contains("are as the log says"));
    let file = folder.0.join("with a space.backup").display().to_string();
    said(&data, &["backup", &file]);
    assert!(ran(&folder.0.join("another one"), &["restore", &file]).status.success(), "paths may have spaces");
}

/// All that a tenant's log says, but for the tenant.
async fn told(ship: &Ship, tenant: &logbook::Tenant) -> Vec<String> {
    let events = "SELECT concat_ws(' ', position, stream_id, type, effective_at, recorded_at, command_id,
        convert_from(payload, 'UTF8')) FROM event WHERE tenant_id = $1 ORDER BY position";
    let rows = ship.superuser().await.query(events, &[&tenant.id.0]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_demonstration_that_broke_off_becomes_the_same_company() {
    let ship = Ship::launch().await;
    let watch = database::pool(&in_role(&ship.config, "quarterdeck_watch"), 1);
    let today = logbook::system_clock();
    let (half, whole) = (demo::tenant("half", today), demo::tenant("whole", today));
    for tenant in [&half, &whole] {
        logbook::tenants::create(ship.logbook.pool(), tenant).await.unwrap();
    }
    let days = demo::story(&half);
    for day in &days[..days.len() / 2] {
        assert!(ship.logbook.append(&half, day).await.iter().all(Result::is_ok));
    }
    for name in ["half", "whole"] {
        assert!(demo::company(&ship.logbook, &watch, name).await.unwrap().contains("made the tenant"));
    }
    let all = told(&ship, &whole).await;
    assert!(all.len() > 1_000 && told(&ship, &half).await == all, "{} events", all.len());
    assert!(demo::company(&ship.logbook, &watch, "half").await.unwrap().contains("is there already"));
    assert_eq!(told(&ship, &half).await.len(), all.len());

    let another = demo::company(&ship.logbook, &watch, &ship.tenant.name).await.unwrap_err().to_string();
    assert!(another.contains("the tenant harbour is no demonstration"), "{another}");
    clocks_part(&ship, "whole", today.date_naive()).await;
}

/// On whichever day one asks as the README does, what was true then is not all that was believed then.
async fn clocks_part(ship: &Ship, tenant: &str, today: NaiveDate) {
    let readme = include_str!("../../README.md");
    let document = readme.find("query OnADay").and_then(|start| readme[start..].split("```").next()).unwrap();
    for ago in [40, 60, 120, 180, 240, 300, 360] {
        let day = today.checked_sub_days(Days::new(ago)).unwrap();
        let variables = json!({ "day": day.to_string(), "end": format!("{day}T23:59:59Z") });
        let answer = ship.ask_as(tenant, document, variables).await;
        assert!(answer["errors"].is_null(), "{answer:#}");
        assert_ne!(answer["data"]["then"], answer["data"]["believedThen"], "{ago} days ago");
    }
}
