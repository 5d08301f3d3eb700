//! Whose a request is, asked of its headers before anything else of it is read.

use super::{Pass, Shared, graphql::Problem};
use crate::identity::Refused;
use actix_web::http::{
    StatusCode,
    header::{self, HeaderMap, HeaderValue},
};

/// What the request's key or token opens. Every credential that opens nothing is answered alike.
pub(super) async fn pass(shared: &Shared, headers: &HeaderMap, tenant: Option<&str>) -> Result<Option<Pass>, Problem> {
    let authorization: Vec<_> = headers.get_all(header::AUTHORIZATION).map(HeaderValue::as_bytes).collect();
    shared.state.identity.admit(&authorization, tenant).await.map_err(|refused| match refused {
        Refused::Unauthenticated => Problem::unauthenticated(),
        Refused::TenantNeeded => {
            let message = "Several tenants take tokens: name yours in Quarterdeck-Tenant.";
            Problem::new(StatusCode::BAD_REQUEST, "TENANT_NEEDED", message)
        }
        Refused::Unavailable => {
            let message = "Keys cannot be checked at the moment, so none opens anything. Send the request again.";
            Problem::later("UNAVAILABLE", message)
        }
    })
}
