//! Every statement of the house prepares on a migrated database, for current and for past knowledge.

use crate::{
    harness::{Ship, connected, in_role},
    source::sources,
};
use std::path::Path;

#[tokio::test]
async fn every_statement_prepares_in_the_app_role() {
    let ship = Ship::launch().await;
    let client = connected(&in_role(&ship.config, "quarterdeck_app")).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut prepared = 0;
    for source in sources(root, &["sql"]) {
        let of_admin = ["roles.sql", "tenants.sql"].iter().any(|name| source.path.ends_with(name))
            || source.path.starts_with("crates/logbook/src/sql/bi_");
        if !source.path.starts_with("crates/") || of_admin {
            continue;
        }
        let text: &'static str = Box::leak(source.text.into_boxed_str());
        for past in [false, true] {
            let statement = client.prepare(logbook::as_of(text, past)).await;
            assert!(statement.is_ok(), "{} (past knowledge: {past}): {:?}", source.path, statement.err());
            prepared += 1;
        }
    }
    assert!(prepared > 100, "{prepared}");
}
