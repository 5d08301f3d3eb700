//! The bytes that are hashed. `schema/log-format.md` says the same in prose, for whoever verifies without this code.

use crate::envelope::Recorded;
use sha2::{Digest, Sha256};
use units::{Instant, Position, TenantId};
use uuid::Uuid;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// What stands in for the hash of something absent, and for the hash before a log's first batch.
pub(crate) const NOTHING: Hash = [0; 32];

/// The hash of an event: SHA-256(0x00 || header || SHA-256(payload) || SHA-256(sealed)).
pub(crate) fn leaf(tenant: TenantId, event: &Recorded) -> Hash {
    let mut header = Header(Sha256::new_with_prefix([0]));
    let context = &event.context;
    header.field(tenant.0.as_bytes());
    header.field(&event.position.0.to_be_bytes());
    header.field(event.stream_kind.as_bytes());
    header.field(event.stream_id.as_bytes());
    header.field(&event.stream_version.to_be_bytes());
    header.field(event.event_type.as_bytes());
    header.field(&i64::from(event.schema_version).to_be_bytes());
    header.instant(Some(event.effective_at));
    header.instant(Some(event.recorded_at));
    header.optional(event.replaces.map(|position| position.0.to_be_bytes()));
    header.instant(context.source_recorded_at);
    header.field(event.command_id.as_bytes());
    header.optional(Some(context.correlation_id.unwrap_or(event.command_id).into_bytes()));
    header.optional(context.causation_id.map(Uuid::into_bytes));
    header.field(context.actor.as_bytes());
    header.optional(context.on_behalf_of.as_ref());
    header.field(context.source.as_str().as_bytes());
    header.optional(context.reason.as_ref());
    header.optional(event.sealed_key_id.map(Uuid::into_bytes));
    header.0.update(Sha256::digest(&event.payload));
    header.0.update(event.sealed.as_ref().map_or(NOTHING, |sealed| Sha256::digest(sealed).into()));
    header.0.finalize().into()
}

struct Header(Sha256);

impl Header {
    fn field(&mut self, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).expect("no field of a header is four gigabytes long");
        self.0.update([1]);
        self.0.update(length.to_be_bytes());
        self.0.update(bytes);
    }

    fn optional(&mut self, bytes: Option<impl AsRef<[u8]>>) {
        match bytes {
            Some(bytes) => self.field(bytes.as_ref()),
            None => self.0.update([0]),
        }
    }

    fn instant(&mut self, instant: Option<Instant>) {
        self.optional(instant.map(|instant| instant.timestamp_micros().to_be_bytes()));
    }
}

/// The root of the Merkle tree over a batch's leaves, as RFC 6962 (section 2.1) builds it.
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        leaves => {
            let half = leaves.len().next_power_of_two() / 2;
            let mut node = Sha256::new_with_prefix([1]);
            node.update(root(&leaves[..half]));
            node.update(root(&leaves[half..]));
            node.finalize().into()
        }
    }
}

/// The hash of a batch: SHA-256(0x02 || tenant || epoch || first || last || previous hash || root).
pub(crate) fn batch(
    tenant: TenantId,
    epoch: i64,
    first: Position,
    last: Position,
    previous: &Hash,
    root: &Hash,
) -> Hash {
    let mut hash = Sha256::new_with_prefix([2]);
    hash.update(tenant.0.as_bytes());
    hash.update(epoch.to_be_bytes());
    hash.update(first.0.to_be_bytes());
    hash.update(last.0.to_be_bytes());
    hash.update(previous);
    hash.update(root);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Context, Source};

    const FORMAT: &str = include_str!("../../../schema/log-format.md");

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The event of the worked example.
    fn opened() -> Recorded {
        let command_id = Uuid::from_u128(0x0193_5d9e_7c00_7000_8000_0000_0000_0003);
        Recorded {
            position: Position(1),
            stream_kind: "deal".to_owned(),
            stream_id: Uuid::from_u128(0x0193_5d9e_7c00_7000_8000_0000_0000_0002),
            stream_version: 1,
            event_type: "deal.renamed".to_owned(),
            schema_version: 1,
            effective_at: "2026-01-05T00:00:00Z".parse().unwrap(),
            recorded_at: "2026-01-05T09:30:00.000001Z".parse().unwrap(),
            replaces: None,
            command_id,
            context: Context {
                actor: "local".to_owned(),
                on_behalf_of: None,
                source: Source::Api,
                reason: Some("Grüße".to_owned()),
                correlation_id: None,
                causation_id: None,
                source_recorded_at: None,
            },
            payload: br#"{"type":"deal.renamed","name":"Tilt"}"#.to_vec(),
            sealed: None,
            sealed_key_id: None,
            leaf: NOTHING,
        }
    }

    #[test]
    fn the_worked_example_of_the_format_is_what_is_hashed() {
        let tenant = TenantId(Uuid::from_u128(0x0193_5d9e_7c00_7000_8000_0000_0000_0001));
        let event = opened();
        let leaf = leaf(tenant, &event);
        let hash = batch(tenant, 1, Position(1), Position(1), &NOTHING, &root(&[leaf]));
        let five: Vec<Hash> = (0..5_u8).map(|leaf| [leaf; 32]).collect();
        for (name, value) in [
            ("payload", Sha256::digest(&event.payload).into()),
            ("leaf", leaf),
            ("root", root(&[leaf])),
            ("batch", hash),
            ("root of five", root(&five)),
        ] {
            let line = format!("{name:<13} {}", hex(&value));
            assert!(FORMAT.contains(&line), "schema/log-format.md should say\n{line}");
        }
    }

    #[test]
    fn every_value_of_an_event_is_hashed() {
        let tenant = TenantId(Uuid::from_u128(1));
        let changes: [fn(&mut Recorded); 20] = [
            |event| event.position = Position(2),
            |event| event.stream_kind.push('s'),
            |event| event.stream_id = Uuid::nil(),
            |event| event.stream_version = 2,
            |event| event.event_type.push('s'),
            |event| event.schema_version = 2,
            |event| event.effective_at += chrono::TimeDelta::microseconds(1),
            |event| event.recorded_at += chrono::TimeDelta::microseconds(1),
            |event| event.replaces = Some(Position(0)),
            |event| event.command_id = Uuid::nil(),
            |event| event.context.actor.push('s'),
            |event| event.context.on_behalf_of = Some(String::new()),
            |event| event.context.source = Source::Simulated,
            |event| event.context.reason = None,
            |event| event.context.correlation_id = Some(Uuid::nil()),
            |event| event.context.causation_id = Some(Uuid::nil()),
            |event| event.context.source_recorded_at = Some(Instant::UNIX_EPOCH),
            |event| event.payload.push(b' '),
            |event| event.sealed = Some(vec![]),
            |event| event.sealed_key_id = Some(Uuid::nil()),
        ];
        let mut leaves = vec![leaf(tenant, &opened()), leaf(TenantId(Uuid::nil()), &opened())];
        for change in changes {
            let mut event = opened();
            change(&mut event);
            leaves.push(leaf(tenant, &event));
        }
        leaves.sort_unstable();
        leaves.dedup();
        assert_eq!(leaves.len(), changes.len() + 2);
    }

    #[test]
    fn a_tree_splits_at_the_largest_power_of_two_below_its_size() {
        let leaves: Vec<Hash> = (0..5_u8).map(|leaf| [leaf; 32]).collect();
        let node = |left: Hash, right: Hash| -> Hash {
            let bytes: Vec<u8> = [&[1_u8][..], &left, &right].concat();
            Sha256::digest(bytes).into()
        };
        let four = node(node(leaves[0], leaves[1]), node(leaves[2], leaves[3]));
        assert_eq!(root(&leaves), node(four, leaves[4]));
        assert_eq!(root(&leaves[..1]), leaves[0]);
    }
}
