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
