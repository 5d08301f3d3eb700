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
        let of_admin = ["roles.sql", "tenants.sql"].iter().any(|name| source.path.ends_with(name));
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

#[tokio::test]
async fn every_table_of_a_tenant_stands_behind_the_wall() {
    let ship = Ship::launch().await;
    let client = ship.superuser().await;
    let tables = "SELECT c.relname::text, c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
            SELECT FROM pg_policy p WHERE p.polrelid = c.oid)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace";
    let found = client.query(tables, &[]).await.unwrap();
    assert!(found.len() >= 14, "{}", found.len());
    for row in found {
        assert!(row.get::<_, bool>(1), "{} stands outside", row.get::<_, String>(0));
    }
    let views = "SELECT c.relname::text, coalesce('security_invoker=true' = ANY (c.reloptions), false)
        FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace = 'public'::regnamespace";
    let found = client.query(views, &[]).await.unwrap();
    assert!(found.len() >= 16, "{}", found.len());
    for row in found {
        assert!(row.get::<_, bool>(1), "{} would look past the wall", row.get::<_, String>(0));
    }
}
