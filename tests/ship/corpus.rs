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
    let large = "QUERY_TOO_LARGE";
    let nest = |open: &str, times: usize, close: &str| format!("{{{}a{}}}", open.repeat(times), close.repeat(times));
    let many = |word: &str, times: usize| (0..times).map(|at| word.replace('#', &at.to_string())).collect::<String>();
    let board = "deals(first: 100) { nodes { account { children { children { changes { fields { name } } } } } } }";
    let mut bomb = "{ ...F0 }".to_owned();
    for level in 0..20 {
        bomb += &format!("fragment F{level} on Query {{ ...F{0} ...F{0} }}", level + 1);
    }
    bomb += "fragment F20 on Query { __typename }";
    let wide =
        format!("{{ {} }} fragment F on Query {{ {} }}", "...F ".repeat(300), "deals { totalCount } ".repeat(100));
    let chain = many("fragment F# on Query { ...G# } ", 150).replace("...G", "...F1") + "{ ...F0 }";
    [
        ("depth 16", nest("a{", 16, "}"), large),
        ("depth 60", nest("a{", 60, "}"), large),
        ("depth 100", nest("a{", 100, "}"), large),
        ("depth 5,000", nest("a{", 5_000, "}"), large),
        ("inline fragments 300 deep", nest("...on Query{", 300, "}"), large),
        ("inline fragments 95 deep", nest("...on Query{", 95, "}"), "GRAPHQL_PARSE_FAILED"),
        ("10,000 aliases", format!("{{ {} }}", many("a#:__typename ", 10_000)), large),
        ("31 aliases", format!("{{ logHead {{ {} }} }}", many("a#:position ", 31)), large),
        ("400 aliased mutations", format!("mutation {{ {} }}", many("a#:__typename ", 400)), large),
        ("11 mutations", format!("mutation {{ {} }}", "__typename ".repeat(11)), large),
        ("50,000 times one field", format!("{{ {} }}", "a ".repeat(50_000)), large),
        ("1,990 times one field", format!("{{ {} }}", "a ".repeat(1_990)), large),
        ("1,000 directives", format!("{{ a {} }}", "@skip(if: true) ".repeat(300)), large),
        ("100,000 unknown directives", format!("{{ a {} }}", "@a".repeat(100_000)), large),
        ("a fragment that spreads itself", "{ ...F } fragment F on Query { ...F }".into(), "GRAPHQL_VALIDATION_FAILED"),
        (
            "a circle of fragments that nobody uses",
            "{ a } fragment F on Query { ...G } fragment G on Query { ...F }".into(),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("a bomb of fragments, 2 to the 20", bomb, large),
        ("a bomb of fragments, wide", wide, large),
        ("a chain of fragments", chain, "GRAPHQL_VALIDATION_FAILED"),
        (
            "300 fragments that nobody uses",
            many("fragment F# on Query { a } ", 200) + "{ a }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "introspection in circles",
            "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }".into(),
            large,
        ),
        (
            "introspection many times over",
            format!(
                "{{ __schema {{ {} }} }} fragment T on __Type {{ fields {{ args {{ type {{ ofType {{ ofType {{ name }} \
                 }} }} }} }} }}",
                many("a#: types { ...T } ", 29)
            ),
            large,
        ),
        ("a page of pages of changes", format!("{{ {board} }}"), large),
        (
            "20 boards, each dear",
            format!("{{ {} }}", many("a#: deals(first: 100) { nodes { changes { fields { name } } } } ", 9)),
            large,
        ),
        ("lists in a list, 10,000 deep", format!("{{ a(b: {}{}) }}", "[".repeat(10_000), "]".repeat(10_000)), large),
        ("lists in a list, 101 deep", format!("{{ a(b: {}{}) }}", "[".repeat(101), "]".repeat(101)), large),
        (
            "objects in an object, 10,000 deep",
            format!("{{ a(b: {}1{}) }}", "{b:".repeat(10_000), "}".repeat(10_000)),
            large,
        ),
        ("brackets that never close", "[".repeat(200_000), large),
        ("a string that never ends", format!("{{ a(b: \"{}", "x".repeat(200_000)), "GRAPHQL_PARSE_FAILED"),
        (
            "a block string that never ends",
            format!("{{ a(b: \"\"\"{}", "\\\"\"\"".repeat(50_000)),
            "GRAPHQL_PARSE_FAILED",
        ),
        ("nothing but comments", "# no\n".repeat(50_000), "GRAPHQL_PARSE_FAILED"),
        ("nothing but blanks", " ,\t".repeat(80_000), "GRAPHQL_PARSE_FAILED"),
        ("a name of 200,000 letters", format!("{{ {} }}", "x".repeat(200_000)), "GRAPHQL_VALIDATION_FAILED"),
        ("a NUL in the document", "{ a\u{0} }".into(), "GRAPHQL_PARSE_FAILED"),
        ("a lone surrogate in the document", "{ deal(id: \"\\uD800\") { name } }".into(), "GRAPHQL_PARSE_FAILED"),
        ("an escape beyond all characters", "{ deal(id: \"\\u{110000}\") { name } }".into(), "GRAPHQL_PARSE_FAILED"),
        (
            "fields that cannot be merged",
            format!("{{ deals {{ nodes {{ {} }} }} }}", "name: version name: id ".repeat(14)),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("300 variables", format!("query({}) {{ a }}", many("$a#: Int ", 300)), "GRAPHQL_VALIDATION_FAILED"),
        ("400 operations", many("query A# { __typename } ", 400), large),
        ("300 operations, none named", many("query A# { a } ", 300), "GRAPHQL_VALIDATION_FAILED"),
        ("a subscription", "subscription { a }".into(), "GRAPHQL_VALIDATION_FAILED"),
        ("a schema instead of a query", "type Query { a: Int }".into(), "GRAPHQL_PARSE_FAILED"),
    ]
    .into_iter()
    .map(|(name, document, code)| Attack { name, request: post(JSON, &query(&document)), code })
    .collect()
}

fn values() -> Vec<Attack> {
    let bad = "BAD_USER_INPUT";
    let invalid = "GRAPHQL_VALIDATION_FAILED";
    let deal = "query($x: ID!) { deal(id: $x) { name } }";
    let search = "query($x: DealFilter) { deals(filter: $x) { nodes { name } } }";
    let numbers = (0..20_000).map(|at| at.to_string()).collect::<Vec<_>>().join(",");
    let ids = vec!["\"018f0000-0000-7000-8000-000000000000\""; 5_000].join(",");
    let open = |amount: &str| {
        format!(
            "mutation {{ dealOpen(input: {{ commandId: \"018f0000-0000-7000-8000-000000000001\", name: \"x\", pipeline: \
             \"018f0000-0000-7000-8000-000000000000\", stage: \"018f0000-0000-7000-8000-000000000000\", owner: \
             \"018f0000-0000-7000-8000-000000000000\", amount: {{ amount: {amount} }} }}) {{ position }} }}"
        )
    };
    let plain = |document: &str| query(document);
    let with = |document: &str, variables: &str| {
        format!("{{\"query\":{},\"variables\":{variables}}}", serde_json::Value::from(document)).into_bytes()
    };
    [
        ("a page of a thousand million", plain("{ deals(first: 1000000000) { nodes { name } } }"), bad),
        ("a page of less than nothing", plain("{ deals(first: -1) { nodes { name } } }"), bad),
        ("a page beyond Int", plain("{ deals(first: 99999999999) { nodes { name } } }"), invalid),
        ("a page of 1e99", plain("{ deals(first: 1e99) { nodes { name } } }"), invalid),
        ("a position of events beyond all", plain("{ events(first: 101) { nodes { position } } }"), bad),
        ("5,000 ids at once", with("query($x: [ID!]!) { nodes(ids: $x) { id } }", &format!("{{\"x\":[{ids}]}}")), bad),
        (
            "5,000 ids, each with its changes",
            with(
                "query($x: [ID!]!) { nodes(ids: $x) { ... on Deal { changes { position } } } }",
                &format!("{{\"x\":[{ids}]}}"),
            ),
            "QUERY_TOO_LARGE",
        ),
        ("20,000 variables nobody declared", with(search, &format!("{{\"x\":{{\"owners\":[{numbers}]}}}}")), bad),
        ("a forged cursor", plain("{ deals(after: \"AAAA\") { nodes { name } } }"), bad),
        ("an id of SQL", with(deal, "{\"x\":\"' OR 1=1; DROP TABLE event; --\"}"), bad),
        ("an id of NUL", with(deal, "{\"x\":\"a\\u0000b\"}"), bad),
        ("an id of a megabyte's quarter", with(deal, &format!("{{\"x\":\"{}\"}}", "A".repeat(250_000))), bad),
        (
            "a year beyond calendars",
            plain("{ asOf(at: { effective: { day: \"294277-01-01\" } }) { effective } }"),
            invalid,
        ),
        ("a null where none may be", with(deal, "{\"x\":null}"), invalid),
        ("an object for an id", with(deal, "{\"x\":{\"$ne\":1}}"), invalid),
        ("an amount of 400 digits", plain(&open(&format!("\"{}\"", "9".repeat(400)))), invalid),
        ("an amount of 1e400", plain(&open("1e400")), invalid),
        ("an amount that is not a number", plain(&open("\"NaN\"")), invalid),
    ]
    .into_iter()
    .map(|(name, body, code)| Attack { name, request: post(JSON, &body), code })
    .collect()
}

fn bodies() -> Vec<Attack> {
    let bad = "BAD_REQUEST";
    let ask = query("{ __typename }");
    let utf16 = "{\"query\":\"{ __typename }\"}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let batch = vec!["{\"query\":\"{ __typename }\"}"; 200].join(",");
    let chunked = |length: usize| {
        let mut request = head("POST", "/graphql", &format!("Content-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n"));
        for _ in 0..length / 65_536 {
            request.extend(b"10000\r\n");
            request.extend([b' '; 65_536]);
            request.extend(b"\r\n");
        }
        request.extend(b"0\r\n\r\n");
        request
    };
    let declared =
        |length: usize| head("POST", "/graphql", &format!("Content-Type: {JSON}\r\nContent-Length: {length}\r\n"));
    let json = |name, body: Vec<u8>, code| Attack { name, request: post(JSON, &body), code };
    vec![
        json("a batch of 200", format!("[{batch}]").into_bytes(), bad),
        json("JSON 10,000 deep", format!("{{\"query\":{}{}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes(), bad),
        json(
            "variables 10,000 deep",
            format!("{{\"query\":\"{{ a }}\",\"variables\":{}1{}}}", "{\"a\":".repeat(10_000), "}".repeat(10_000))
                .into_bytes(),
            bad,
        ),
        json("a name given twice", b"{\"query\":\"{ a }\",\"query\":\"{ b }\"}".to_vec(), bad),
        json("a lone surrogate", b"{\"query\":\"{ a(b: \\\"\\ud800\\\") }\"}".to_vec(), bad),
        json("a number of 1e400", b"{\"query\":\"{ a }\",\"variables\":{\"x\":1e400}}".to_vec(), bad),
        json("what is not UTF-8", b"{\"query\":\"{ a(b: \\\"\xff\xfe\\\") }\"}".to_vec(), bad),
        json("UTF-16 bytes", utf16.clone(), bad),
        json("nothing", Vec::new(), bad),
        json("null", b"null".to_vec(), bad),
        json("a NUL in the JSON", b"{\"query\":\"{ a }\"}\0".to_vec(), bad),
        json("variables that are a list", b"{\"query\":\"{ a }\",\"variables\":[]}".to_vec(), bad),
        json("a hash instead of a document", b"{\"documentId\":\"sha256:0\"}".to_vec(), bad),
        json(
            "300 KB of variables",
            format!("{{\"query\":\"{{ a }}\",\"variables\":{{\"x\":\"{}\"}}}}", "x".repeat(300_000)).into_bytes(),
            "BODY_TOO_LARGE",
        ),
        Attack { name: "30 MB in chunks", request: chunked(30 << 20), code: "BODY_TOO_LARGE" },
        Attack { name: "30 MB as it says", request: declared(30 << 20), code: "BODY_TOO_LARGE" },
        Attack { name: "text/plain", request: post("text/plain", &ask), code: "UNSUPPORTED_MEDIA_TYPE" },
        Attack {
            name: "a form",
            request: post("application/x-www-form-urlencoded", b"query=%7B__typename%7D"),
            code: "UNSUPPORTED_MEDIA_TYPE",
        },
        Attack {
            name: "a form of parts",
            request: post("multipart/form-data; boundary=x", b"--x\r\n\r\n--x--"),
            code: "UNSUPPORTED_MEDIA_TYPE",
        },
        Attack {
            name: "UTF-16 as it says",
            request: post("application/json; charset=utf-16", &utf16),
            code: "UNSUPPORTED_MEDIA_TYPE",
        },
        Attack {
            name: "gzip",
            request: post("application/json\r\nContent-Encoding: gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03"),
            code: "UNSUPPORTED_MEDIA_TYPE",
        },
    ]
}

fn heads() -> Vec<Attack> {
    let get = |target: &str| head("GET", target, "");
    let typename = "/graphql?query=%7B__typename%7D";
    let flood = (0..300).map(|at| format!("X-{at}: y\r\n")).collect::<String>();
    vec![
        Attack {
            name: "a mutation by GET",
            request: get("/graphql?query=mutation%7B__typename%7D"),
            code: "METHOD_NOT_ALLOWED",
        },
        Attack { name: "PUT", request: head("PUT", typename, "Content-Length: 0\r\n"), code: "METHOD_NOT_ALLOWED" },
        Attack { name: "TRACE", request: head("TRACE", typename, ""), code: "METHOD_NOT_ALLOWED" },
        Attack {
            name: "a parameter given twice",
            request: get(&format!("{typename}&query=%7Ba%7D")),
            code: "BAD_REQUEST",
        },
        Attack {
            name: "a query string that is not UTF-8",
            request: get("/graphql?query=%ff%fe"),
            code: "GRAPHQL_PARSE_FAILED",
        },
        Attack { name: "HTML wanted", request: head("GET", typename, "Accept: text/html\r\n"), code: "NOT_ACCEPTABLE" },
        Attack {
            name: "two tenants",
            request: head("GET", typename, "Quarterdeck-Tenant: other\r\n"),
            code: "BAD_TENANT",
        },
        Attack {
            name: "a tenant's name of 4 KB",
            request: head("GET", typename, &format!("Quarterdeck-Tenant: {}\r\n", "x".repeat(4_096))),
            code: "BAD_TENANT",
        },
        Attack { name: "300 headers", request: head("GET", typename, &flood), code: "" },
        Attack { name: "a target of 200 KB", request: get(&format!("{typename}{}", "x".repeat(200_000))), code: "" },
        Attack {
            name: "two lengths",
            request: head(
                "POST",
                "/graphql",
                "Content-Type: application/json\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
            ),
            code: "",
        },
        Attack {
            name: "a length and chunks",
            request: head(
                "POST",
                "/graphql",
                "Content-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            ),
            code: "",
        },
        Attack { name: "no HTTP at all", request: b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".to_vec(), code: "" },
    ]
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
        while let Ok(length @ 1..) = from.read(&mut part).await {
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
