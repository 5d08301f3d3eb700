//! Accounts as the API shows them, the questions about them, and their commands.

use super::{Row, State, decide, decide::Command};
use crate::graph::{
    Asked, Change, CommandFields, EffectiveInput, Key, NodeId, Session, View, Window, changes, fault, first_instant,
    listing::{self, ORDER, Parameter, inputs, listed, prefix, value},
    mutations, stated,
    view::AtPoint,
};
use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, Result, dataloader::Loader};
use logbook::Fault;
use std::{collections::HashMap, sync::Arc};
use units::{AccountId, Int64, Position, Text};
use uuid::Uuid;

/// Whether an account is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AccountStatus {
    /// Deals are opened with it.
    Active,
    /// No deal is opened with it any more.
    Closed,
}

/// A customer or prospect as of the two instants of the query.
#[derive(Clone)]
pub struct Account {
    pub(crate) view: Arc<View>,
    pub(crate) id: Uuid,
    pub(crate) row: Arc<Row>,
}

/// A customer or prospect as of the two instants of the query.
#[Object]
impl Account {
    /// The global id. Read at other instants, the same account has another one; mutations take that of the present.
    pub async fn id(&self) -> ID {
        NodeId::of("Account", self.id, &self.view.point)
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

    /// Whether it is worked on.
    async fn status(&self) -> AccountStatus {
        if self.row.status == "closed" { AccountStatus::Closed } else { AccountStatus::Active }
    }

    /// What it does; null when nobody said.
    async fn sector(&self) -> Option<&String> {
        self.row.sector.as_ref()
    }

    /// The account that it belongs to; null when to none.
    async fn parent(&self) -> Option<Result<Account>> {
        Account::find(&self.view, self.row.parent_id?).await.transpose()
    }

    /// The accounts that belong to it, in the order of their names, the first 100; `accounts` lists them all.
    async fn children(&self) -> Option<Result<Vec<Account>>> {
        let find = async || {
            let children = self.view.loader.load_one(ChildrenOf(self.id)).await.map_err(|error| fault(&error))?;
            Account::find_all(&self.view, &children.unwrap_or_default()).await
        };
        Some(find().await)
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

/// The key of the accounts that belong to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ChildrenOf(Uuid);

impl Loader<ChildrenOf> for AtPoint {
    type Value = Vec<Uuid>;
    type Error = Arc<Fault>;

    async fn load(&self, keys: &[ChildrenOf]) -> Result<HashMap<ChildrenOf, Vec<Uuid>>, Arc<Fault>> {
        let ids = keys.iter().map(|key| key.0).collect();
        listing::grouped(self, include_str!("sql/children_of_accounts.sql"), ids, ChildrenOf).await
    }
}

/// Which accounts. Every field that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AccountFilter {
    /// What their name begins with, whatever its case.
    pub name_prefix: Option<String>,
    /// Whether they are worked on.
    pub status: Option<Vec<AccountStatus>>,
    /// What they do.
    pub sectors: Option<Vec<String>>,
    /// The accounts that they belong to.
    pub parents: Option<Vec<ID>>,
}

struct Values {
    prefix: Option<String>,
    prefix_end: Option<String>,
    status: Option<Vec<&'static str>>,
    sectors: Option<Vec<String>>,
    parents: Option<Vec<Uuid>>,
}

impl Values {
    fn parameters(&self) -> Vec<Parameter<'_>> {
        vec![&self.prefix, &self.prefix_end, &self.status, &self.sectors, &self.parents]
    }
}

impl AccountFilter {
    #[expect(clippy::unused_async, reason = "other filters ask the organisation")]
    async fn values(&self, _view: &View) -> Result<Values> {
        let (prefix, prefix_end) = prefix(self.name_prefix.as_ref())?;
        let status = |status: &AccountStatus| if *status == AccountStatus::Active { "active" } else { "closed" };
        let status = self.status.as_ref().map(|all| all.iter().map(status).collect());
        let parents = Key::all(self.parents.as_ref(), "Account")?;
        Ok(Values { prefix, prefix_end, status, sectors: self.sectors.clone(), parents })
    }
}

listed! {
    Account, AccountId, Row, AccountConnection, AccountEdge, AccountFilter;
    "sql/accounts_by_id.sql", "sql/accounts_upwards.sql", "sql/accounts_downwards.sql", "sql/accounts_count.sql"
}

/// Questions about accounts.
#[derive(Default)]
pub struct AccountQueries(pub Option<Arc<View>>);

#[Object]
impl AccountQueries {
    /// An account by its id; null when there is none at the instant of the query.
    async fn account(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its global id, or its key.")] id: ID,
    ) -> Option<Result<Account>> {
        let find = async || {
            let view = View::of(&self.0, context).await?;
            Account::find(&view, Key::for_reading(&id, "Account")?).await
        };
        find().await.transpose()
    }

    /// Accounts, a page at a time, in the order of their names.
    async fn accounts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which accounts; all when left out.")] filter: Option<AccountFilter>,
        #[graphql(desc = "How many from the front, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor before which the page ends.")] before: Option<String>,
    ) -> Option<Result<AccountConnection>> {
        let read = async || {
            let view = View::of(&self.0, context).await?;
            let filter = filter.unwrap_or_default();
            let order = view.order("accounts", ORDER, &filter).await?;
            let window = Window::of(first, after, last, before, &order)?;
            AccountConnection::read(view, filter, &window).await
        };
        Some(read().await)
    }
}

mutations! {
    Account, "Account", account: AccountErrorCode, AccountUserError, AccountPayload;
    /// There is no such account at that instant.
    NotRegistered,
    /// The account was registered already.
    AlreadyRegistered,
    /// The account is closed by that instant.
    Closed,
    /// There is no such account to belong to at that instant.
    UnknownParent,
    /// No account belongs to itself.
    OwnParent,
    /// An account would come to belong to itself.
    Circle,
    /// It must end after it begins.
    EndsBeforeItBegins,
}

inputs! {
    /// Registers an account from `effectiveAt` on.
    AccountRegisterInput {
        /// What it is called.
        name: String,
        /// The account that it belongs to.
        parent: Option<ID>,
        /// What it does.
        sector: Option<String>,
        /// Its id in another system.
        external_id: Option<String>,
    }
    /// Gives an account another name from `effectiveAt` on.
    AccountRenameInput {
        /// The account.
        id: ID,
        /// Its new name.
        name: String,
    }
    /// Says what an account does from `effectiveAt` on.
    AccountChangeSectorInput {
        /// The account.
        id: ID,
        /// What it does; null: not known.
        sector: MaybeUndefined<String>,
        /// The instant from which the earlier one holds again; null: it does not.
        until: Option<EffectiveInput>,
    }
    /// Says which account an account belongs to from `effectiveAt` on.
    AccountChangeParentInput {
        /// The account.
        id: ID,
        /// The account that it belongs to; null: to none.
        parent: MaybeUndefined<ID>,
        /// The instant from which the earlier one holds again; null: it does not.
        until: Option<EffectiveInput>,
    }
    /// Says that no deal is opened with an account from `effectiveAt` on.
    AccountCloseInput {
        /// The account.
        id: ID,
    }
    /// Says that an event should not be there. It can still be read as it was believed.
    AccountWithdrawInput {
        /// The account.
        id: ID,
        /// The position of the event. Those of the same command go with it. That of a withdrawal undoes it.
        event: Int64,
    }
}

async fn put(context: &Context<'_>, id: &ID, fields: CommandFields, command: Command) -> Result<AccountPayload> {
    perform(context, Some(Key::given(id, "Account", "id")?), None, fields, Asked::Do(command)).await
}

fn text(written: &str, field: &str) -> Result<Text, AccountUserError> {
    Text::new(written).map_err(|error| AccountUserError::invalid(field, &error))
}

fn maybe(written: Option<&String>, field: &str) -> Result<Option<Text>, AccountUserError> {
    written.map(|written| text(written, field)).transpose()
}

/// Commands of accounts.
#[derive(Default)]
pub struct AccountMutations;

/// Commands of accounts.
#[Object]
impl AccountMutations {
    /// Registers an account.
    async fn account_register(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: AccountRegisterInput,
    ) -> Option<Result<AccountPayload>> {
        AccountPayload::told(async {
            let name = value!(AccountPayload, text(&input.name, "name"));
            let sector = value!(AccountPayload, maybe(input.sector.as_ref(), "sector"));
            let external_id = value!(AccountPayload, maybe(input.external_id.as_ref(), "externalId"));
            let parent = input.parent.map(|id| Key::given(&id, "Account", "parent")).transpose()?.map(AccountId);
            let register = Command::Register { name, parent, sector, external_id };
            perform(context, None, None, input.command, Asked::Do(register)).await
        })
        .await
    }

    /// Gives an account another name.
    async fn account_rename(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: AccountRenameInput,
    ) -> Option<Result<AccountPayload>> {
        AccountPayload::told(async {
            let name = value!(AccountPayload, text(&input.name, "name"));
            put(context, &input.id, input.command, Command::Rename { name }).await
        })
        .await
    }

    /// Says what an account does.
    async fn account_change_sector(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: AccountChangeSectorInput,
    ) -> Option<Result<AccountPayload>> {
        AccountPayload::told(async {
            let session = Session::of(context)?;
            let until = input.until.map(|until| first_instant(session, &until)).transpose()?;
            let sector = value!(AccountPayload, maybe(stated(input.sector, "sector")?.as_ref(), "sector"));
            put(context, &input.id, input.command, Command::ChangeSector { sector, until }).await
        })
        .await
    }

    /// Says which account an account belongs to.
    async fn account_change_parent(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: AccountChangeParentInput,
    ) -> Option<Result<AccountPayload>> {
        AccountPayload::told(async {
            let session = Session::of(context)?;
            let until = input.until.map(|until| first_instant(session, &until)).transpose()?;
            let parent = stated(input.parent, "parent")?
                .map(|id| Key::given(&id, "Account", "parent"))
                .transpose()?
                .map(AccountId);
            put(context, &input.id, input.command, Command::ChangeParent { parent, until }).await
        })
        .await
    }

    /// Says that no deal is opened with an account any more.
    async fn account_close(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: AccountCloseInput,
    ) -> Option<Result<AccountPayload>> {
        AccountPayload::told(async { put(context, &input.id, input.command, Command::Close).await }).await
    }

    /// Says that an event of an account should not be there.
    async fn account_withdraw(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: AccountWithdrawInput,
    ) -> Option<Result<AccountPayload>> {
        AccountPayload::told(async {
            let id = Some(Key::given(&input.id, "Account", "id")?);
            perform(context, id, None, input.command, Asked::Withdraw(Position(input.event.0))).await
        })
        .await
    }
}
