//! The media type of an answer, as `Accept` asks for it.

use actix_web::http::{
    StatusCode,
    header::{self, HeaderMap},
};

use super::graphql::Problem;

/// The two media types of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`: a request that was understood is answered 200, whatever came of it.
    Json,
    /// `application/graphql-response+json`: a request that was not executed is answered 400.
    GraphqlResponse,
}

impl Media {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Media::Json => "application/json; charset=utf-8",
            Media::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }

    fn full_name(self) -> &'static str {
        self.content_type().split(';').next().unwrap_or_default()
    }

    /// The media type that the client wants most. Of two equally wanted the one it named wins over one it covered with
    /// a star; else the newer, when it was named, and plain JSON, which every client reads, when it was not.
    pub(super) fn negotiate(headers: &HeaderMap) -> Result<Self, Problem> {
        let lines = headers.get_all(header::ACCEPT).map(|value| value.to_str().unwrap_or_default());
        let accept = lines.collect::<Vec<_>>().join(",");
        if accept.trim().is_empty() {
            return Ok(Media::Json);
        }
        let (json, graphql) = (wanted(&accept, Media::Json), wanted(&accept, Media::GraphqlResponse));
        match (json, graphql) {
            (None, None) => {
                let message = "Accept must admit application/graphql-response+json or application/json.";
                Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", message))
            }
            (json, graphql) if graphql > json => Ok(Media::GraphqlResponse),
            (json, graphql) if graphql == json && graphql.is_some_and(|wish| wish.named == 2) => {
                Ok(Media::GraphqlResponse)
            }
            _ => Ok(Media::Json),
        }
    }
}

/// How much a client wants a media type, the most wanted last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wish {
    quality_permille: u16,
    /// 2 for its full name, 1 for `application/*`, 0 for `*/*`.
    named: u8,
}

/// What the most specific range that covers `media` says of it; `None` when none does, or it says zero.
fn wanted(accept: &str, media: Media) -> Option<Wish> {
    let covering = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = match parts.next()? {
            name if name.eq_ignore_ascii_case(media.full_name()) => 2,
            name if name.eq_ignore_ascii_case("application/*") => 1,
            "*/*" => 0,
            _ => return None,
        };
        let mut quality_permille = 1000;
        for parameter in parts {
            match parameter.split_once('=') {
                Some(("q" | "Q", value)) => quality_permille = permille(value)?,
                _ if is_utf8_or_no_charset(parameter) => {}
                _ => return None,
            }
        }
        Some(Wish { quality_permille, named })
    });
    covering.max_by_key(|wish| (wish.named, wish.quality_permille)).filter(|wish| wish.quality_permille > 0)
}

fn permille(quality: &str) -> Option<u16> {
    let (whole, fraction) = quality.trim().split_once('.').unwrap_or((quality.trim(), ""));
    if fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    match whole {
        "0" => format!("{fraction:0<3}").parse().ok(),
        "1" => fraction.bytes().all(|digit| digit == b'0').then_some(1000),
        _ => None,
    }
}

/// Whether a parameter of a media type leaves it UTF-8.
pub(super) fn is_utf8_or_no_charset(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            let value = value.trim().trim_matches('"');
            value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8")
        }
        _ => true,
    }
}
