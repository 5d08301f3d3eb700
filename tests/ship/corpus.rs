//! Requests that mean harm: documents, bodies and heads, each with the code that it must be refused with. Shared by the
//! test that sends them and by the measurement of how fast they are refused.

/// One request that must be refused.
pub struct Attack {
    /// What it is.
    pub name: &'static str,
    /// The bytes of the request, but for the host.
    pub request: Vec<u8>,
    /// The `extensions.code` of the refusal; empty when the answer is no GraphQL: the connection is ended, or HTTP itself
    /// refuses.
    pub code: &'static str,
}

const JSON: &str = "application/json";

/// All of them.
pub fn corpus() -> Vec<Attack> {
    [documents(), values(), bodies(), heads()].into_iter().flatten().collect()
}

/// A well-formed request that must go on being answered beside them.
pub fn honest() -> Vec<u8> {
    post(JSON, &query("{ deals(first: 5) { nodes { name owner { name } } } }"))
}

fn documents() -> Vec<Attack> {
    let tables = [deep(), many(), fragments(), dear(), texts(), operations()].into_iter().flatten();
    let attacks = tables.map(|(name, document, code)| Attack { name, request: post(JSON, &query(&document)), code });
    attacks.collect()
}

type Document = (&'static str, String, &'static str);

const LARGE: &str = "QUERY_TOO_LARGE";
const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";
const UNREADABLE: &str = "GRAPHQL_PARSE_FAILED";
const BAD_INPUT: &str = "BAD_USER_INPUT";
const BAD: &str = "BAD_REQUEST";

/// A word again and again, `#` in it replaced by the number of each.
fn times(word: &str, times: usize) -> String {
    (0..times).map(|at| word.replace('#', &at.to_string())).collect()
}

fn deep() -> Vec<Document> {
    let nest = |open: &str, times: usize, close: &str| format!("{{{}a{}}}", open.repeat(times), close.repeat(times));
    let argument =
        |open: &str, times: usize, close: &str| format!("{{ a(b: {}1{}) }}", open.repeat(times), close.repeat(times));
    vec![
        ("depth 16", nest("a{", 16, "}"), LARGE),
        ("depth 60", nest("a{", 60, "}"), LARGE),
        ("depth 100", nest("a{", 100, "}"), LARGE),
        ("depth 5,000", nest("a{", 5_000, "}"), LARGE),
        ("inline fragments 300 deep", nest("...on Query{", 300, "}"), LARGE),
        ("inline fragments 95 deep", nest("...on Query{", 95, "}"), UNREADABLE),
        ("lists in a list, 101 deep", argument("[", 101, "]"), LARGE),
        ("lists in a list, 10,000 deep", argument("[", 10_000, "]"), LARGE),
        ("objects in an object, 10,000 deep", argument("{b:", 10_000, "}"), LARGE),
        ("brackets that never close", "[".repeat(200_000), LARGE),
    ]
}

fn many() -> Vec<Document> {
    let set = |selections: String| format!("{{ {selections} }}");
    let merged = "name: version name: id ".repeat(14);
    vec![
        ("10,000 aliases", set(times("a#:__typename ", 10_000)), LARGE),
        ("31 aliases", format!("{{ logHead {{ {} }} }}", times("a#:position ", 31)), LARGE),
        ("400 aliased mutations", format!("mutation {{ {} }}", times("a#:__typename ", 400)), LARGE),
        ("11 mutations", format!("mutation {{ {} }}", "__typename ".repeat(11)), LARGE),
        ("50,000 times one field", set("a ".repeat(50_000)), LARGE),
        ("1,990 times one field", set("a ".repeat(1_990)), LARGE),
        ("300 directives", set(format!("a {}", "@skip(if: true) ".repeat(300))), LARGE),
        ("51 directives", set(format!("a {}", "@a ".repeat(51))), LARGE),
        ("100,000 unknown directives", set(format!("a {}", "@a".repeat(100_000))), LARGE),
        ("fields that cannot be merged", format!("{{ deals {{ nodes {{ {merged} }} }} }}"), INVALID),
    ]
}

fn fragments() -> Vec<Document> {
    let doubled =
        (0..20).map(|at| format!("fragment F{at} on Query {{ ...F{0} ...F{0} }}", at + 1)).collect::<String>();
    let wide = format!("{{ {} }} fragment F on Query {{ {} }}", "...F ".repeat(300), "a { b } ".repeat(100));
    let next = |at: usize| format!("fragment F{at} on Query {{ ...F{} }} ", at + 1);
    let chain = (0..150).map(next).collect::<String>();
    vec![
        ("a fragment that spreads itself", "{ ...F } fragment F on Query { ...F }".into(), INVALID),
        (
            "a circle of fragments that nobody uses",
            "{ __typename } fragment F on Query { ...G } fragment G on Query { ...F }".into(),
            INVALID,
        ),
        (
            "a bomb of fragments, 2 to the 20",
            format!("{{ ...F0 }} {doubled} fragment F20 on Query {{ __typename }}"),
            LARGE,
        ),
        ("a bomb of fragments, wide", wide, LARGE),
        ("a chain of fragments", format!("{{ ...F0 }} {chain}"), LARGE),
        ("200 fragments that nobody uses", times("fragment F# on Query { a } ", 200) + "{ a }", INVALID),
    ]
}

fn dear() -> Vec<Document> {
    let round = "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }";
    let kinds = "kind ofType { kind ofType { kind ofType { kind ofType { kind ofType { kind } } } }";
    let whole = format!(
        "{{ __schema {{ {} }} }} fragment T on __Type {{ fields {{ args {{ type {{ ...R }} }} type {{ ...R }} }} \
         inputFields {{ type {{ ...R }} }} }} fragment R on __Type {{ {kinds} }} }}",
        times("a#: types { ...T } ", 29)
    );
    let pages = "account { children { children { changes { fields { name } } } } }";
    let boards = times("a#: deals(first: 100) { nodes { changes { fields { name } } } } ", 9);
    vec![
        ("introspection in circles", round.into(), LARGE),
        ("introspection many times over", whole, LARGE),
        ("a page of children of children", format!("{{ deals(first: 100) {{ nodes {{ {pages} }} }} }}"), LARGE),
        ("nine pages of changes", format!("{{ {boards} }}"), LARGE),
    ]
}

fn texts() -> Vec<Document> {
    let deal = |id: &str| format!("{{ deal(id: {id}) {{ name }} }}");
    vec![
        ("a string that never ends", format!("{{ a(b: \"{}", "x".repeat(200_000)), UNREADABLE),
        ("a block string that never ends", format!("{{ a(b: \"\"\"{}", "\\\"\"\"".repeat(20_000)), UNREADABLE),
        ("nothing but comments", "# no\n".repeat(30_000), UNREADABLE),
        ("nothing but blanks", " ,\t".repeat(50_000), UNREADABLE),
        ("a name of 200,000 letters", format!("{{ {} }}", "x".repeat(200_000)), INVALID),
        ("a NUL in the document", "{ a\u{0} }".into(), UNREADABLE),
        ("a lone surrogate in the document", deal("\"\\uD800\""), UNREADABLE),
        ("an escape beyond all characters", deal("\"\\u{110000}\""), UNREADABLE),
        ("a schema instead of a query", "type Query { a: Int }".into(), UNREADABLE),
    ]
}

fn operations() -> Vec<Document> {
    vec![
        ("300 variables", format!("query({}) {{ a }}", times("$a#: Int ", 300)), INVALID),
        ("500 operations", times("query A# { __typename } ", 500), LARGE),
        ("300 operations, none named", times("query A# { __typename } ", 300), INVALID),
        ("a subscription", "subscription { a }".into(), INVALID),
        ("a page of a thousand million", "{ deals(first: 1000000000) { nodes { name } } }".into(), BAD_INPUT),
        ("a page of less than nothing", "{ deals(first: -1) { nodes { name } } }".into(), BAD_INPUT),
        ("a page beyond Int", "{ deals(first: 99999999999) { nodes { name } } }".into(), "EXECUTION_FAILED"),
        ("a page of 1e99", "{ deals(first: 1e99) { nodes { name } } }".into(), INVALID),
        ("101 events", "{ events(first: 101) { nodes { position } } }".into(), BAD_INPUT),
        ("a forged cursor", "{ deals(after: \"AAAA\") { nodes { name } } }".into(), BAD_INPUT),
        (
            "a year beyond calendars",
            "{ asOf(at: { effective: { day: \"294277-01-01\" } }) { logHead { position } } }".into(),
            "EXECUTION_FAILED",
        ),
        ("an amount of 400 digits", opening(&format!("\"{}\"", "9".repeat(400))), "EXECUTION_FAILED"),
        ("an amount of 1e400", opening("1e400"), UNREADABLE),
        ("an amount that is no number", opening("\"NaN\""), "EXECUTION_FAILED"),
    ]
}

fn opening(amount: &str) -> String {
    let nobody = "\"018f0000-0000-7000-8000-000000000000\"";
    format!(
        "mutation {{ dealOpen(input: {{ commandId: {nobody}, name: \"x\", pipeline: {nobody}, stage: {nobody}, owner: \
         {nobody}, amount: {{ amount: {amount} }} }}) {{ position }} }}"
    )
}

fn values() -> Vec<Attack> {
    let deal = "query($x: ID!) { deal(id: $x) { name } }";
    let search = "query($x: DealFilter) { deals(filter: $x) { nodes { name } } }";
    let nodes = "query($x: [ID!]!) { nodes(ids: $x) { id } }";
    let changes = "query($x: [ID!]!) { nodes(ids: $x) { ... on Deal { changes { position } } } }";
    let numbers = (0..20_000).map(|at| at.to_string()).collect::<Vec<_>>().join(",");
    let ids = vec!["\"018f0000-0000-7000-8000-000000000000\""; 5_000].join(",");
    let table = [
        ("5,000 ids at once", nodes, format!("[{ids}]"), BAD_INPUT),
        ("900 ids at once", nodes, format!("[{}]", times("\"a#\",", 900).trim_end_matches(',')), BAD_INPUT),
        ("5,000 ids, each with its changes", changes, format!("[{ids}]"), LARGE),
        ("20,000 owners", search, format!("{{\"owners\":[{numbers}]}}"), BAD_INPUT),
        ("an id of SQL", deal, "\"' OR 1=1; DROP TABLE event; --\"".into(), BAD_INPUT),
        ("an id of NUL", deal, "\"a\\u0000b\"".into(), BAD_INPUT),
        ("an id of a quarter of a megabyte", deal, format!("\"{}\"", "A".repeat(250_000)), BAD_INPUT),
        ("a null where none may be", deal, "null".into(), INVALID),
        ("an object for an id", deal, "{\"$ne\":1}".into(), INVALID),
    ];
    let attacks = table.into_iter().map(|(name, document, value, code)| {
        let body = format!("{{\"query\":\"{document}\",\"variables\":{{\"x\":{value}}}}}");
        Attack { name, request: post(JSON, body.as_bytes()), code }
    });
    attacks.collect()
}

fn bodies() -> Vec<Attack> {
    let utf16 = "{\"query\":\"{ __typename }\"}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let ask = query("{ __typename }");
    let batch = vec!["{\"query\":\"{ __typename }\"}"; 200].join(",");
    let lists = format!("{{\"query\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let objects = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let with = |variables: &str| format!("{{\"query\":\"{{ a }}\",\"variables\":{variables}}}").into_bytes();
    let too_long = with(&format!("{{\"x\":\"{}\"}}", "x".repeat(300_000)));
    let json: [(&str, Vec<u8>, &str); 14] = [
        ("a batch of 200", format!("[{batch}]").into_bytes(), BAD),
        ("JSON 10,000 deep", lists.into_bytes(), BAD),
        ("variables 10,000 deep", with(&objects), BAD),
        ("a name given twice", b"{\"query\":\"{ a }\",\"query\":\"{ b }\"}".to_vec(), BAD),
        ("a lone surrogate", b"{\"query\":\"{ a(b: \\\"\\ud800\\\") }\"}".to_vec(), BAD),
        ("a number of 1e400", with("{\"x\":1e400}"), BAD),
        ("what is not UTF-8", b"{\"query\":\"{ a(b: \\\"\xff\xfe\\\") }\"}".to_vec(), BAD),
        ("UTF-16 bytes", utf16.clone(), BAD),
        ("nothing", Vec::new(), BAD),
        ("null", b"null".to_vec(), BAD),
        ("a NUL in the JSON", b"{\"query\":\"{ a }\"}\0".to_vec(), BAD),
        ("variables that are a list", with("[]"), BAD),
        ("a hash instead of a document", b"{\"documentId\":\"sha256:0\"}".to_vec(), BAD),
        ("300 KB of variables", too_long, "BODY_TOO_LARGE"),
    ];
    let other = "UNSUPPORTED_MEDIA_TYPE";
    let media: [(&str, &str, &[u8]); 5] = [
        ("text/plain", "text/plain", &ask),
        ("a form", "application/x-www-form-urlencoded", b"query=%7B__typename%7D"),
        ("a form of parts", "multipart/form-data; boundary=x", b"--x\r\n\r\n--x--"),
        ("UTF-16 as it says", "application/json; charset=utf-16", &utf16),
        ("gzip", "application/json\r\nContent-Encoding: gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03"),
    ];
    let json = json.map(|(name, body, code)| Attack { name, request: post(JSON, &body), code });
    let media = media.map(|(name, media, body)| Attack { name, request: post(media, body), code: other });
    json.into_iter().chain(media).collect()
}

fn heads() -> Vec<Attack> {
    const ASK: &str = "/graphql?query=%7B__typename%7D";
    let flood = times("X-#: y\r\n", 300);
    let long_name = format!("Quarterdeck-Tenant: {}\r\n", "x".repeat(4_096));
    let json = format!("Content-Type: {JSON}\r\n");
    let lengths = format!("{json}Content-Length: 1\r\nContent-Length: 2\r\n");
    let both = format!("{json}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n");
    let declared = format!("{json}Content-Length: {}\r\n", 30 << 20);
    let mut streamed = head("POST", "/graphql", &format!("{json}Transfer-Encoding: chunked\r\n"));
    for _ in 0..(30 << 20) / 65_536 {
        streamed.extend(b"10000\r\n");
        streamed.extend([b' '; 65_536]);
        streamed.extend(b"\r\n");
    }
    let method = "METHOD_NOT_ALLOWED";
    let table = [
        ("30 MB in chunks", streamed, "BODY_TOO_LARGE"),
        ("30 MB as it says", head("POST", "/graphql", &declared), "BODY_TOO_LARGE"),
        ("a mutation by GET", head("GET", "/graphql?query=mutation%7B__typename%7D", ""), method),
        ("PUT", head("PUT", ASK, "Content-Length: 0\r\n"), method),
        ("TRACE", head("TRACE", ASK, ""), method),
        ("a parameter given twice", head("GET", &format!("{ASK}&query=%7Ba%7D"), ""), BAD),
        ("a query string that is not UTF-8", head("GET", "/graphql?query=%ff%fe", ""), UNREADABLE),
        ("HTML wanted", head("GET", ASK, "Accept: text/html\r\n"), "NOT_ACCEPTABLE"),
        ("two tenants", head("GET", ASK, "Quarterdeck-Tenant: other\r\n"), "BAD_TENANT"),
        ("a tenant's name of 4 KB", head("GET", ASK, &long_name), "BAD_TENANT"),
        ("300 headers", head("GET", ASK, &flood), ""),
        ("a target of 200 KB", head("GET", &format!("{ASK}{}", "x".repeat(200_000)), ""), ""),
        ("two lengths", head("POST", "/graphql", &lengths), ""),
        ("a length and chunks", head("POST", "/graphql", &both), ""),
        ("no HTTP at all", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".to_vec(), ""),
    ];
    table.map(|(name, request, code)| Attack { name, request, code }).into()
}

fn query(document: &str) -> Vec<u8> {
    serde_json::json!({ "query": document }).to_string().into_bytes()
}

fn post(media: &str, body: &[u8]) -> Vec<u8> {
    let lines = format!("Content-Type: {media}\r\nContent-Length: {}\r\n", body.len());
    let mut request = head("POST", "/graphql", &lines);
    request.extend(body);
    request
}

/// The head of a request of the tests' tenant.
fn head(method: &str, target: &str, lines: &str) -> Vec<u8> {
    format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nQuarterdeck-Tenant: harbour\r\n{lines}\r\n"
    )
    .into_bytes()
}

/// Sends a request and reads the answer, both at once: the server may answer before it has read all. What came before the
/// connection broke, when it breaks.
pub async fn exchange(address: std::net::SocketAddr, request: &[u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let Ok(mut stream) = tokio::net::TcpStream::connect(address).await else { return String::new() };
    let (mut from, mut to) = stream.split();
    let mut answer = Vec::new();
    let reading = async {
        let mut part = [0; 16_384];
        while !whole(&answer)
            && let Ok(length @ 1..) = from.read(&mut part).await
        {
            answer.extend_from_slice(&part[..length]);
        }
    };
    let writing = async {
        drop(to.write_all(request).await);
        std::future::pending::<()>().await;
    };
    tokio::select! { () = reading => {}, () = writing => {} }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Whether an answer that names its length has come to its end.
fn whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    length.is_some_and(|length| body.len() >= length)
}

/// Whether an answer is the refusal that an attack must get.
pub fn refused(attack: &Attack, answer: &str) -> Result<(), String> {
    let status = answer.split(' ').nth(1).unwrap_or("none");
    let told = answer.contains("\"code\":\"");
    let as_it_must = match attack.code {
        "" => status == "none" || status.starts_with('4'),
        code => answer.contains(&format!("\"code\":\"{code}\"")) && answer.contains("\"requestId\":\""),
    };
    let broken = status.starts_with('5') || answer.contains("\"INTERNAL\"") || answer.contains("panicked");
    if as_it_must && !broken && (attack.code.is_empty() || told) {
        return Ok(());
    }
    let shown = answer.chars().take(700).collect::<String>();
    Err(format!("{}: {} was expected, {status} came: {shown}", attack.name, attack.code))
}
