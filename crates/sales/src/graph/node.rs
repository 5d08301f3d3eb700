//! Any object by its global id.

use super::{NodeId, View, id::bad_input};
use crate::{
    account::graphql::Account,
    deal::graphql::Deal,
    login::graphql::Login,
    person::graphql::Person,
    pipeline::graphql::{Pipeline, Stage},
    product::graphql::Product,
    team::graphql::Team,
};
use async_graphql::{Context, ID, Interface, Object, Result};
use std::{collections::HashMap, sync::Arc};

/// Ids of one request at most.
const IDS_MAX: usize = 100;

/// Anything that has a global id.
#[derive(Clone, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The global id: another one for other instants."))]
pub enum Node {
    /// A deal.
    Deal(Deal),
    /// A person.
    Person(Person),
    /// A team.
    Team(Team),
    /// An account.
    Account(Account),
    /// A product.
    Product(Product),
    /// A pipeline.
    Pipeline(Pipeline),
    /// A stage of a pipeline.
    Stage(Stage),
    /// A login.
    Login(Login),
}

/// Questions for objects by their global ids.
#[derive(Default)]
pub struct NodeQueries(pub Option<Arc<View>>);

#[Object]
impl NodeQueries {
    /// An object by its global id, at the instants that the id carries; null when there is none.
    async fn node(&self, context: &Context<'_>, #[graphql(desc = "Its global id.")] id: ID) -> Option<Result<Node>> {
        let find = async || {
            let Some(node) = NodeId::parse(&id) else { return Ok(None) };
            find(&at(&View::of(&self.0, context).await?, &node), &node).await
        };
        find().await.transpose()
    }

    /// Objects by their global ids, at most 100, in their order; null in the place of one that is not there.
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Their global ids.")] ids: Vec<ID>,
    ) -> Option<Result<Vec<Option<Node>>>> {
        let find_all = async || {
            if ids.len() > IDS_MAX {
                return Err(bad_input(&format!("at most {IDS_MAX} ids are looked up at a time, not {}", ids.len())));
            }
            let view = View::of(&self.0, context).await?;
            let wanted: Vec<_> = ids.iter().map(|id| NodeId::parse(id)).collect();
            // One view for all ids of the same instants, so that they are loaded together.
            let mut views: HashMap<Option<String>, Arc<View>> = HashMap::new();
            let mut finds = Vec::with_capacity(wanted.len());
            for node in wanted {
                let at = node.as_ref().map_or_else(|| Arc::clone(&view), |node| at(&view, node));
                let at = Arc::clone(views.entry(at.point.stamp()).or_insert(at));
                finds.push(async move {
                    match node {
                        Some(node) => find(&at, &node).await,
                        None => Ok(None),
                    }
                });
            }
            futures::future::try_join_all(finds).await
        };
        Some(find_all().await)
    }
}

/// The view at the instants that an id carries; the one at hand when it carries none.
fn at(view: &Arc<View>, node: &NodeId) -> Arc<View> {
    node.as_of.as_ref().map_or_else(|| Arc::clone(view), |as_of| view.at(as_of.clone()))
}

async fn find(view: &Arc<View>, NodeId { type_name, key, .. }: &NodeId) -> Result<Option<Node>> {
    let key = *key;
    Ok(match type_name.as_str() {
        "Deal" => Deal::find(view, key).await?.map(Node::Deal),
        "Person" => Person::find(view, key).await?.map(Node::Person),
        "Team" => Team::find(view, key).await?.map(Node::Team),
        "Account" => Account::find(view, key).await?.map(Node::Account),
        "Product" => Product::find(view, key).await?.map(Node::Product),
        "Pipeline" => Pipeline::find(view, key).await?.map(Node::Pipeline),
        "Stage" => Stage::find(view, key).await?.map(Node::Stage),
        "Login" => Login::find_visible(view, key).await?.map(Node::Login),
        _ => None,
    })
}
