//! How a product becomes rows.

use super::decide::{Command, Event, Product};
use crate::schedule;
use logbook::{Chapter, Clocks, Segment, Slice, StreamRef, Streams, Table};
use serde::{Deserialize, Serialize};
use units::Instant;
use uuid::Uuid;

/// The columns of `product_history` beyond its bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// sold or discontinued.
    pub status: String,
    /// Its name.
    pub name: String,
    /// Its name in lower case, for finding by prefix.
    pub name_folded: String,
    /// Its list price, in the minor unit of `currency`.
    pub list_price_minor: Option<i64>,
    /// The currency of `list_price_minor`.
    pub currency: Option<String>,
    /// Its id in the system it came from.
    pub external_id: Option<String>,
}

impl Row {
    fn at(product: &Product, instant: Instant) -> Option<Self> {
        let name = product.name.at(instant)?;
        let status = if product.sold_at(instant) { "sold" } else { "discontinued" };
        let price = product.list_price.at(instant);
        Some(Self {
            status: status.to_owned(),
            name: name.as_str().to_owned(),
            name_folded: name.folded(),
            list_price_minor: price.map(|price| price.amount_minor),
            currency: price.map(|price| price.currency.to_string()),
            external_id: product.external_id.clone().map(String::from),
        })
    }
}

impl Slice for Product {
    const KIND: &'static str = "product";
    const CLOCKS: Clocks = Clocks::Schedule;
    const TABLES: &'static [Table] = &[schedule::table!("product", "history")];
    type Row = Row;

    fn reads(&self, _id: Uuid, _command: &Command, _effective: Instant, _streams: &Streams) -> Vec<StreamRef> {
        vec![]
    }

    fn facts(&self, _id: Uuid, _command: &Command, _effective: Instant, _streams: &Streams) {}

    fn segments(id: Uuid, story: &[Chapter<Self>]) -> Vec<Segment<Row>> {
        let Some(Chapter { state, .. }) = story.last() else { return vec![] };
        schedule::segments(0, id, state.instants(), |instant| Row::at(state, instant))
    }

    fn overlays(&self, event: &Event) -> bool {
        Product::overlays(self, event)
    }
}
