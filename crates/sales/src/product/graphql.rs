//! Products as the API shows them, the questions about them, and their commands.

use super::{Row, State, decide, decide::Command};
use crate::graph::{
    Asked, Change, CommandFields, EffectiveInput, Key, NodeId, Session, View, Window, changes, fault, first_instant,
    listing::{ORDER, Parameter, inputs, listed, prefix, value},
    mutations,
};
use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use std::sync::Arc;
use units::{Int64, Money, MoneyInput, Position, ProductId, Text};
use uuid::Uuid;

/// Whether a product is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ProductStatus {
    /// Deals are opened for it.
    Sold,
    /// No deal is opened for it any more.
    Discontinued,
}

/// Something the tenant sells, as of the two instants of the query.
#[derive(Clone)]
pub struct Product {
    pub(crate) view: Arc<View>,
    pub(crate) id: Uuid,
    pub(crate) row: Arc<Row>,
}

/// Something the tenant sells, as of the two instants of the query.
#[Object]
impl Product {
    /// The global id. Read at other instants, the same product has another one; mutations take that of the present.
    pub async fn id(&self) -> ID {
        NodeId::of("Product", self.id, &self.view.point)
    }

    /// Its own id, a UUID: the same at all instants.
    async fn key(&self) -> String {
        self.id.to_string()
    }

    /// Its id in the system it was imported from; null when it was not.
    async fn external_id(&self) -> Option<&String> {
        self.row.external_id.as_ref()
    }

    /// The number of its last event, for a mutation's `expectedVersion`; as known at the instant of the query.
    async fn version(&self) -> Option<Result<i32>> {
        crate::graph::log::version(&self.view, self.id).await.transpose()
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// Whether it is sold.
    async fn status(&self) -> ProductStatus {
        if self.row.status == "discontinued" { ProductStatus::Discontinued } else { ProductStatus::Sold }
    }

    /// What it costs by the list; null when nobody said.
    async fn list_price(&self) -> Option<Money> {
        let currency = self.row.currency.as_deref()?.parse().ok()?;
        self.row.list_price_minor.map(|amount_minor| Money { amount_minor, currency })
    }

    /// Who changed what about it, when and why, in the order in which the log took it down.
    async fn changes(&self) -> Option<Result<Vec<Change>>> {
        let read = async || {
            let known = self.view.seen().await?.known.map(|position| position.0);
            changes::of::<State>(self.view.reads(), self.id, self.id, known).await.map_err(|error| fault(&error))
        };
        Some(read().await)
    }
}

/// Which products. Every field that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ProductFilter {
    /// What their name begins with, whatever its case.
    pub name_prefix: Option<String>,
    /// Whether they are sold.
    pub status: Option<Vec<ProductStatus>>,
}

struct Values {
    prefix: Option<String>,
    prefix_end: Option<String>,
    status: Option<Vec<&'static str>>,
}

impl Values {
    fn parameters(&self) -> Vec<Parameter<'_>> {
        vec![&self.prefix, &self.prefix_end, &self.status]
    }
}

impl ProductFilter {
    #[expect(clippy::unused_async, reason = "other filters ask the organisation")]
    async fn values(&self, _view: &View) -> Result<Values> {
        let (prefix, prefix_end) = prefix(self.name_prefix.as_ref())?;
        let status = |status: &ProductStatus| if *status == ProductStatus::Sold { "sold" } else { "discontinued" };
        let status = self.status.as_ref().map(|all| all.iter().map(status).collect());
        Ok(Values { prefix, prefix_end, status })
    }
}

listed! {
    Product, ProductId, Row, ProductConnection, ProductEdge, ProductFilter;
    "sql/products_by_id.sql", "sql/products_upwards.sql", "sql/products_downwards.sql", "sql/products_count.sql"
}

/// Questions about products.
#[derive(Default)]
pub struct ProductQueries(pub Option<Arc<View>>);

#[Object]
impl ProductQueries {
    /// A product by its id; null when there is none at the instant of the query.
    async fn product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its global id, or its key.")] id: ID,
    ) -> Option<Result<Product>> {
        let find = async || {
            let view = View::of(&self.0, context).await?;
            Product::find(&view, Key::for_reading(&id, "Product")?).await
        };
        find().await.transpose()
    }

    /// Products, a page at a time, in the order of their names.
    async fn products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which products; all when left out.")] filter: Option<ProductFilter>,
        #[graphql(desc = "How many from the front, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor before which the page ends.")] before: Option<String>,
    ) -> Option<Result<ProductConnection>> {
        let read = async || {
            let view = View::of(&self.0, context).await?;
            let filter = filter.unwrap_or_default();
            let order = view.order("products", ORDER, &filter).await?;
            let window = Window::of(first, after, last, before, &order)?;
            ProductConnection::read(view, filter, &window).await
        };
        Some(read().await)
    }
}

mutations! {
    Product, "Product", product: ProductErrorCode, ProductUserError, ProductPayload;
    /// There is no such product at that instant.
    NotLaunched,
    /// The product was launched already.
    AlreadyLaunched,
    /// The product is discontinued by that instant.
    Discontinued,
    /// A list price is not below zero.
    NegativeListPrice,
    /// It must end after it begins.
    EndsBeforeItBegins,
}

inputs! {
    /// Launches a product from `effectiveAt` on.
    ProductLaunchInput {
        /// What it is called.
        name: String,
        /// What it costs by the list.
        list_price: Option<MoneyInput>,
        /// Its id in another system.
        external_id: Option<String>,
    }
    /// Gives a product another name from `effectiveAt` on.
    ProductRenameInput {
        /// The product.
        id: ID,
        /// Its new name.
        name: String,
    }
    /// Says what a product costs by the list from `effectiveAt` on.
    ProductChangeListPriceInput {
        /// The product.
        id: ID,
        /// What it costs.
        list_price: MoneyInput,
        /// The instant from which the earlier price holds again; null: it does not.
        until: Option<EffectiveInput>,
    }
    /// Says that no deal is opened for a product from `effectiveAt` on.
    ProductDiscontinueInput {
        /// The product.
        id: ID,
    }
    /// Says that an event should not be there. It can still be read as it was believed.
    ProductWithdrawInput {
        /// The product.
        id: ID,
        /// The position of the event. Those of the same command go with it. That of a withdrawal undoes it.
        event: Int64,
    }
}

async fn put(context: &Context<'_>, id: &ID, fields: CommandFields, command: Command) -> Result<ProductPayload> {
    perform(context, Some(Key::given(id, "Product", "id")?), None, fields, Asked::Do(command)).await
}

fn text(written: &str, field: &str) -> Result<Text, ProductUserError> {
    Text::new(written).map_err(|error| ProductUserError::invalid(field, &error))
}

fn maybe(written: Option<&String>, field: &str) -> Result<Option<Text>, ProductUserError> {
    written.map(|written| text(written, field)).transpose()
}

fn money(context: &Context<'_>, amount: &MoneyInput) -> Result<Result<Money, ProductUserError>> {
    let own = Session::of(context)?.tenant.currency;
    Ok(amount.money(own).map_err(|error| ProductUserError::invalid("listPrice", &error)))
}

/// Commands of products.
#[derive(Default)]
pub struct ProductMutations;

/// Commands of products.
#[Object]
impl ProductMutations {
    /// Launches a product.
    async fn product_launch(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: ProductLaunchInput,
    ) -> Option<Result<ProductPayload>> {
        ProductPayload::told(async {
            let name = value!(ProductPayload, text(&input.name, "name"));
            let external_id = value!(ProductPayload, maybe(input.external_id.as_ref(), "externalId"));
            let list_price = match &input.list_price {
                Some(price) => Some(value!(ProductPayload, money(context, price)?)),
                None => None,
            };
            let launch = Command::Launch { name, list_price, external_id };
            perform(context, None, None, input.command, Asked::Do(launch)).await
        })
        .await
    }

    /// Gives a product another name.
    async fn product_rename(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: ProductRenameInput,
    ) -> Option<Result<ProductPayload>> {
        ProductPayload::told(async {
            let name = value!(ProductPayload, text(&input.name, "name"));
            put(context, &input.id, input.command, Command::Rename { name }).await
        })
        .await
    }

    /// Says what a product costs by the list.
    async fn product_change_list_price(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: ProductChangeListPriceInput,
    ) -> Option<Result<ProductPayload>> {
        ProductPayload::told(async {
            let session = Session::of(context)?;
            let until = input.until.map(|until| first_instant(session, &until)).transpose()?;
            let list_price = value!(ProductPayload, money(context, &input.list_price)?);
            put(context, &input.id, input.command, Command::ChangeListPrice { list_price, until }).await
        })
        .await
    }

    /// Says that no deal is opened for a product any more.
    async fn product_discontinue(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: ProductDiscontinueInput,
    ) -> Option<Result<ProductPayload>> {
        ProductPayload::told(async { put(context, &input.id, input.command, Command::Discontinue).await }).await
    }

    /// Says that an event of a product should not be there.
    async fn product_withdraw(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: ProductWithdrawInput,
    ) -> Option<Result<ProductPayload>> {
        ProductPayload::told(async {
            let id = Some(Key::given(&input.id, "Product", "id")?);
            perform(context, id, None, input.command, Asked::Withdraw(Position(input.event.0))).await
        })
        .await
    }
}
