//! Credentials that open something, and those that must not: over HTTP, before an executor that counts, without a
//! database.

use super::{
    keyring::{Key, Link},
    *,
};
use crate::http::{Caller, Executor, State, configure};
use actix_web::{App, test};
use async_graphql::{Request, Response};
use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use futures::future::BoxFuture;
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512,
        RsaKeyPair,
    },
};
use sales::access;
use serde_json::{Value, json};
use std::{
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use units::{PersonId, Text};

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "quarterdeck";
const OURS: TenantId = TenantId(Uuid::from_u128(1));
const OTHERS: TenantId = TenantId(Uuid::from_u128(2));

/// The issuer's keys, and a key of somebody else's.
struct Keys {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    foreign: Ed25519KeyPair,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let chance = SystemRandom::new();
    let written: String = include_str!("rsa_for_tests.txt").split_whitespace().collect();
    let ed = || Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&chance).unwrap().as_ref()).unwrap();
    let way = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let ec = EcdsaKeyPair::generate_pkcs8(way, &chance).unwrap();
    Keys {
        rsa: RsaKeyPair::from_der(&BASE64_STANDARD.decode(written).unwrap()).unwrap(),
        ec: EcdsaKeyPair::from_pkcs8(way, ec.as_ref(), &chance).unwrap(),
        ed: ed(),
        foreign: ed(),
    }
});

/// The executor behind the door: says who came in, and counts them.
struct Counting(AtomicUsize);

impl Executor for Counting {
    fn execute(&self, _request: Request, caller: Caller) -> BoxFuture<'_, Response> {
        self.0.fetch_add(1, SeqCst);
        let actor = caller.pass.map_or("local".to_owned(), |pass| pass.login.to_string());
        Box::pin(async move { Response::new(async_graphql::Value::from(actor)) })
    }
}

#[actix_web::test]
async fn keys_and_tokens_open_what_they_were_made_for() {
    let door = Door::new(Mode::Required, None);
    for (credential, tenant, actor) in [
        (ours().written(), None, "service:warehouse"),
        (ours().written(), Some("ours"), "service:warehouse"),
        (rs256(&header("RS256", "rsa"), &claims()), Some("ours"), "person:00000000-0000-0000-0000-000000000007"),
        (es256(&header("ES256", "ec"), &claims()), Some("ours"), "person:00000000-0000-0000-0000-000000000007"),
        (eddsa(&header("EdDSA", "ed"), &claims()), Some("ours"), "person:00000000-0000-0000-0000-000000000007"),
        (eddsa(&header("EdDSA", "ed"), &with("aud", json!(["x", AUDIENCE]))), Some("ours"), "person:"),
        (eddsa(&header("EdDSA", "ed"), &with("exp", json!(now() - 20))), Some("ours"), "person:"),
        (eddsa(&header("EdDSA", "ed"), &with("nbf", json!(now() + 20))), Some("ours"), "person:"),
        (eddsa(&header("EdDSA", "ed"), &with("sub", json!("shared"))), Some("others"), "service:theirs"),
    ] {
        let (status, answer, _) = door.ask(&[&format!("Bearer {credential}")], tenant).await;
        assert!(status == 200 && answer["data"].as_str().unwrap().starts_with(actor), "{actor}: {answer}");
    }
    // Where several tenants take tokens, whose data one opens hangs on no other tenant's links.
    for claims in [with("sub", json!("shared")), claims()] {
        let token = eddsa(&header("EdDSA", "ed"), &claims);
        let (status, answer, _) = door.ask(&[&format!("Bearer {token}")], None).await;
        assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (400, &json!("TENANT_NEEDED")));
    }
}

#[actix_web::test]
async fn whoever_sits_at_the_machine_needs_no_key_but_shows_no_wrong_one() {
    let door = Door::new(Mode::Local, None);
    let (status, answer, _) = door.ask(&[], None).await;
    assert_eq!((status, &answer["data"]), (200, &json!("local")));
    let (status, answer, _) = door.ask(&[&format!("Bearer {}", ours().written())], None).await;
    assert_eq!((status, &answer["data"]), (200, &json!("service:warehouse")));
    assert_eq!(door.ask(&["Bearer qd_live_"], None).await.0, 401);
}

#[actix_web::test]
async fn every_hostile_credential_is_refused_alike_and_runs_nothing() {
    let table = [hostile_headers(), hostile_keys(), hostile_algorithms(), hostile_claims(), hostile_shapes()].concat();
    assert!(table.len() >= 60, "{}", table.len());
    let door = Door::new(Mode::Required, None);
    let (_, refused, _) = door.ask(&[], None).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    for (what, headers, tenant) in table {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let (status, answer, scheme) = door.ask(&headers, tenant).await;
        assert_eq!((status, scheme.as_str()), (401, "Bearer"), "{what}: {answer}");
        assert_eq!(answer, refused, "{what}");
    }
    assert_eq!(door.executor.0.load(SeqCst), 0);
}

#[actix_web::test]
async fn when_it_is_not_known_which_keys_are_revoked_none_opens() {
    for (age_s, expected) in [(4, 200), (6, 503)] {
        let door = Door::new(Mode::Required, Some(Duration::from_secs(age_s)));
        for credential in [ours().written(), eddsa(&header("EdDSA", "ed"), &claims())] {
            let (status, answer, _) = door.ask(&[&format!("Bearer {credential}")], Some("ours")).await;
            assert_eq!(status, expected, "{answer}");
            if status == 503 {
                assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE");
            }
        }
    }
}

type Row = (&'static str, Vec<String>, Option<&'static str>);

fn row(what: &'static str, header: impl Into<String>) -> Row {
    (what, vec![header.into()], None)
}

fn bearing(what: &'static str, credential: impl std::fmt::Display) -> Row {
    row(what, format!("Bearer {credential}"))
}

fn hostile_headers() -> Vec<Row> {
    let key = ours().written();
    vec![
        ("no header", vec![], None),
        ("two headers", vec![format!("Bearer {key}"), format!("Bearer {key}")], None),
        row("an empty header", ""),
        row("a scheme alone", "Bearer"),
        row("an empty bearer", "Bearer "),
        row("a key without a scheme", key.clone()),
        row("another scheme", format!("Basic {}", BASE64_STANDARD.encode(format!("qd:{key}")))),
        row("the key as another scheme's", format!("Token {key}")),
        row("two spaces", format!("Bearer  {key}")),
        row("a tab", format!("Bearer\t{key}")),
        row("white space within", format!("Bearer {} {}", &key[..40], &key[40..])),
        row("two credentials", format!("Bearer {key},{key}")),
        row("a colon", format!("Bearer: {key}")),
        row("quotes", format!("Bearer \"{key}\"")),
        row("letters that are not ASCII", format!("Bearer {key}é")),
    ]
}

fn hostile_keys() -> Vec<Row> {
    let key = ours().written();
    let made = |tenant, login, secret| ApiKey::new(tenant, login, [secret; 32]).written();
    let id = Uuid::from_u128;
    vec![
        bearing("a key without its last letter", &key[..key.len() - 1]),
        bearing("a key with a letter more", format!("{key}0")),
        bearing("a key in capitals", key.to_uppercase()),
        bearing("a key's secret in capitals", format!("{}{}", &key[..73], key[73..].to_uppercase())),
        bearing("the prefix", "qd_live_"),
        bearing("a key's beginning", &key[..72]),
        bearing("another prefix", key.replace("live", "test")),
        bearing("a key that nobody made", made(OURS, id(99), 0xab)),
        bearing("a key that was revoked, as one that is not held", made(OURS, id(12), 0xab)),
        bearing("another secret", made(OURS, id(10), 2)),
        bearing("another key's secret", made(OURS, id(11), 0xab)),
        bearing("a key that has expired", made(OURS, id(11), 3)),
        bearing("a key said to be of another tenant", made(OTHERS, id(10), 0xab)),
        bearing("a tenant that is none", made(TenantId(id(77)), id(10), 0xab)),
        bearing("zeroes", made(TenantId(Uuid::nil()), Uuid::nil(), 0)),
        ("a key used on another tenant", vec![format!("Bearer {key}")], Some("others")),
        ("a key used on no tenant", vec![format!("Bearer {key}")], Some("nobody's")),
        bearing("SQL", "qd_live_'OR'1'='1"),
    ]
}

fn hostile_algorithms() -> Vec<Row> {
    let none = |alg: &str| format!("{}.", unsigned(&header(alg, "ed"), &claims()));
    let public = KEYS.rsa.public().as_ref();
    let hs256 = |secret: &[u8], kid: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        signed(&header("HS256", kid), &claims(), |text| hmac::sign(&key, text).as_ref().to_vec())
    };
    let brought = |name: &str, value: Value| {
        let mut header = json!({ "alg": "EdDSA", "kid": "ed", "typ": "JWT" });
        header[name] = value;
        eddsa(&header.to_string(), &claims())
    };
    let foreign =
        |kid: &str| signed(&header("EdDSA", kid), &claims(), |text| KEYS.foreign.sign(text).as_ref().to_vec());
    let own_jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": b64(KEYS.foreign.public_key().as_ref()) });
    vec![
        bearing("alg none", none("none")),
        bearing("alg None", none("None")),
        bearing("alg nOnE", none("nOnE")),
        bearing("alg none with a signature", eddsa(&header("none", "ed"), &claims())),
        bearing("alg empty", eddsa(&header("", "ed"), &claims())),
        bearing("alg in small letters", eddsa(&header("eddsa", "ed"), &claims())),
        bearing("no alg", eddsa(r#"{"kid":"ed"}"#, &claims())),
        bearing("HS256 with the public RSA key", hs256(public, "rsa")),
        bearing("HS256 with the modulus", hs256(modulus(), "rsa")),
        bearing("HS256 with a symmetric key of the set", hs256(b"a secret of the set", "oct")),
        bearing("RS256 of an EdDSA key", eddsa(&header("RS256", "ed"), &claims())),
        bearing("EdDSA of an RSA key", rs256(&header("EdDSA", "rsa"), &claims())),
        bearing("ES256 of an EdDSA key's kid", es256(&header("ES256", "ed"), &claims())),
        bearing("RS512", signed(&header("RS512", "rsa"), &claims(), |text| rsa(&RSA_PKCS1_SHA512, text))),
        bearing("RS256 over SHA-512", signed(&header("RS256", "rsa"), &claims(), |text| rsa(&RSA_PKCS1_SHA512, text))),
        bearing("a foreign key under a known kid", foreign("ed")),
        bearing("a foreign key under its own kid", foreign("foreign")),
        bearing("a key for encryption", foreign("enc")),
        bearing("no kid", eddsa(r#"{"alg":"EdDSA"}"#, &claims())),
        bearing("an empty kid", eddsa(&header("EdDSA", ""), &claims())),
        bearing("a kid that is a path", foreign("../../../../dev/null")),
        bearing("a kid of a path with the empty secret", hs256(b"", "../../../../dev/null")),
        bearing("a kid of SQL", hs256(b"x", "x' UNION SELECT 'x")),
        bearing("a kid that is a command", foreign("ed|id")),
        bearing("a kid of a megabyte", foreign(&"k".repeat(1024 * 1024))),
        bearing("a kid just within the bound", foreign(&"k".repeat(4_000))),
        bearing("a kid that is a number", eddsa(r#"{"alg":"EdDSA","kid":7}"#, &claims())),
        bearing("jku", brought("jku", json!("https://evil.example/jwks"))),
        bearing("x5u", brought("x5u", json!("https://evil.example/cert"))),
        bearing("x5c", brought("x5c", json!(["MIIB"]))),
        bearing("jwk", brought("jwk", own_jwk.clone())),
        bearing("jwk with its own signature", {
            let header = json!({ "alg": "EdDSA", "kid": "ed", "jwk": own_jwk }).to_string();
            signed(&header, &claims(), |text| KEYS.foreign.sign(text).as_ref().to_vec())
        }),
        bearing("crit", brought("crit", json!(["exp"]))),
        bearing("crit null", brought("crit", Value::Null)),
        bearing("b64 false", brought("b64", json!(false))),
        bearing("zip", brought("zip", json!("DEF"))),
    ]
}

fn hostile_claims() -> Vec<Row> {
    let token = |claims: String| eddsa(&header("EdDSA", "ed"), &claims);
    let changed = |name: &str, value: Value| token(with(name, value));
    let mut rows = vec![
        bearing("exp past", changed("exp", json!(now() - 31))),
        bearing("exp far past", changed("exp", json!(0))),
        bearing("exp a string", changed("exp", json!((now() + 60).to_string()))),
        bearing("exp null", changed("exp", Value::Null)),
        bearing("exp below zero", changed("exp", json!(-1))),
        bearing("exp beyond all numbers", token(claims().replacen(r#""exp":"#, r#""exp":1e999,"was":"#, 1))),
        bearing("nbf future", changed("nbf", json!(now() + 40))),
        bearing("nbf a string", changed("nbf", json!("0"))),
        bearing("aud wrong", changed("aud", json!("others"))),
        bearing("aud in capitals", changed("aud", json!("QUARTERDECK"))),
        bearing("aud without ours", changed("aud", json!(["a", "b"]))),
        bearing("aud empty", changed("aud", json!([]))),
        bearing("aud an object", changed("aud", json!({ "quarterdeck": true }))),
        bearing("iss wrong", changed("iss", json!("https://evil.example"))),
        bearing("iss with a slash more", changed("iss", json!("https://id.example/"))),
        bearing("iss in capitals", changed("iss", json!("HTTPS://ID.EXAMPLE"))),
        bearing("iss a list", changed("iss", json!([ISSUER]))),
        bearing("sub unknown", changed("sub", json!("nobody"))),
        bearing("sub empty", changed("sub", json!(""))),
        bearing("sub a number", changed("sub", json!(42))),
        bearing("sub in capitals", changed("sub", json!("TOMAS"))),
        bearing("sub of SQL", changed("sub", json!("tomas' OR '1'='1"))),
        bearing("sub twice", token(claims().replacen('{', r#"{"sub":"nobody","#, 1))),
        bearing("exp twice", token(claims().replacen('{', r#"{"exp":99999999999,"#, 1))),
        bearing("aud twice", token(claims().replacen('{', r#"{"aud":"quarterdeck","#, 1))),
        bearing("claims that are no object", token("[]".to_owned())),
        bearing("no claims", token(String::new())),
        ("another tenant's subject on ours", vec![format!("Bearer {}", changed("sub", json!("theirs")))], Some("ours")),
        ("our subject on another tenant", vec![format!("Bearer {}", token(claims()))], Some("others")),
    ];
    for name in ["exp", "nbf", "aud", "iss", "sub"] {
        let mut without: Value = serde_json::from_str(&claims()).unwrap();
        without.as_object_mut().unwrap().remove(name);
        rows.push(bearing("a claim that is absent", token(without.to_string())));
    }
    rows
}

fn hostile_shapes() -> Vec<Row> {
    let good = eddsa(&header("EdDSA", "ed"), &claims());
    let parts: Vec<&str> = good.split('.').collect();
    let [head, body, signature] = parts[..] else { panic!("three parts") };
    let mut flipped = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    flipped[0] ^= 1;
    vec![
        bearing("junk", "junk"),
        bearing("dots", ".."),
        bearing("a dot", "."),
        bearing("base64 junk", "!!!.???.***"),
        bearing("two parts", format!("{head}.{body}")),
        bearing("no signature", format!("{head}.{body}.")),
        bearing("four parts", format!("{good}.{signature}")),
        bearing("a dot more", format!("{good}.")),
        bearing("encrypted", format!("{head}.{body}.{signature}.{body}.{signature}")),
        bearing("a signature cut short", &good[..good.len() - 4]),
        bearing("a signature with a bit flipped", format!("{head}.{body}.{}", b64(&flipped))),
        bearing("padding", format!("{good}==")),
        bearing("other claims under the signature", {
            format!("{head}.{}.{signature}", b64(with("sub", json!("theirs")).as_bytes()))
        }),
        bearing("another header under the signature", {
            format!("{}.{body}.{signature}", b64(br#"{"kid":"ed","alg":"EdDSA"}"#))
        }),
        bearing("alg twice", eddsa(r#"{"alg":"none","alg":"EdDSA","kid":"ed"}"#, &claims())),
        bearing("a token in capitals", good.to_uppercase()),
        bearing("too long", eddsa(&header("EdDSA", "ed"), &with("pad", json!("x".repeat(8_000))))),
        bearing("a token in JSON", format!(r#"{{"payload":"{body}","signature":"{signature}"}}"#)),
        bearing("deep JSON", format!("{}.{body}.{signature}", b64("[".repeat(5_000).as_bytes()))),
    ]
}

fn now() -> i64 {
    system_clock().timestamp()
}

fn claims() -> String {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "tomas", "exp": now() + 60, "nbf": now(), "iat": now() }).to_string()
}

fn with(name: &str, value: Value) -> String {
    let mut claims: Value = serde_json::from_str(&claims()).unwrap();
    claims[name] = value;
    claims.to_string()
}

fn header(alg: &str, kid: &str) -> String {
    json!({ "alg": alg, "kid": kid, "typ": "JWT" }).to_string()
}

fn b64(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}", b64(header.as_bytes()), b64(claims.as_bytes()))
}

fn signed(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let text = unsigned(header, claims);
    let signature = sign(text.as_bytes());
    format!("{text}.{}", b64(&signature))
}

fn rsa(way: &'static dyn ring::signature::RsaEncoding, text: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; KEYS.rsa.public().modulus_len()];
    KEYS.rsa.sign(way, &SystemRandom::new(), text, &mut signature).unwrap();
    signature
}

fn rs256(header: &str, claims: &str) -> String {
    signed(header, claims, |text| rsa(&RSA_PKCS1_SHA256, text))
}

fn es256(header: &str, claims: &str) -> String {
    signed(header, claims, |text| KEYS.ec.sign(&SystemRandom::new(), text).unwrap().as_ref().to_vec())
}

fn eddsa(header: &str, claims: &str) -> String {
    signed(header, claims, |text| KEYS.ed.sign(text).as_ref().to_vec())
}

fn ours() -> ApiKey {
    ApiKey::new(OURS, Uuid::from_u128(10), [0xab; 32])
}

/// The modulus of the RSA key: what follows the nine bytes of two DER headers and a zero.
fn modulus() -> &'static [u8] {
    &KEYS.rsa.public().as_ref()[9..9 + 256]
}

/// The set that the issuer publishes, with keys in it that are not for us.
fn jwks() -> Value {
    let ed = |key: &Ed25519KeyPair| b64(key.public_key().as_ref());
    let point = KEYS.ec.public_key().as_ref();
    json!({ "keys": [
        { "kty": "oct", "kid": "oct", "k": b64(b"a secret of the set") },
        { "kty": "RSA", "kid": "rsa", "alg": "RS256", "use": "sig", "n": b64(modulus()),
          "e": b64(&[1, 0, 1]) },
        { "kty": "EC", "kid": "ec", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..]) },
        { "kty": "OKP", "kid": "ed", "crv": "Ed25519", "use": "sig", "x": ed(&KEYS.ed) },
        { "kty": "OKP", "kid": "enc", "crv": "Ed25519", "use": "enc", "x": ed(&KEYS.foreign) },
        "junk",
    ] })
}

/// A door as the HTTP layer has it.
struct Door {
    executor: Arc<Counting>,
    shared: actix_web::web::Data<crate::http::Shared>,
}

impl Door {
    fn new(mode: Mode, age: Option<Duration>) -> Self {
        let file = std::env::temp_dir().join(format!("quarterdeck-jwks-{}.json", Uuid::new_v4()));
        std::fs::write(&file, jwks().to_string()).unwrap();
        let tokens = Tokens::new(ISSUER.to_owned(), AUDIENCE.to_owned(), JwksSource::File(file));
        let keyring = keyring();
        if let Some(age) = age {
            keyring.aged(age);
        }
        let executor = Arc::new(Counting(AtomicUsize::new(0)));
        let state = State {
            identity: Arc::new(Identity::new(mode, Arc::new(keyring), Some(tokens))),
            executor: Arc::clone(&executor) as Arc<dyn Executor>,
            fresh_id: || Uuid::from_u128(7),
            deadline: Duration::from_secs(5),
            limits: crate::limits::Limits::default(),
            introspection: true,
            trusted: crate::http::trusted::Trusted::default(),
            examples: vec![],
            ready: Arc::new(|| Box::pin(async { Ok(()) })),
            metrics: Arc::new(String::new),
        };
        Self { executor, shared: state.shared() }
    }

    /// The status, the answer and what it says of how to log in.
    async fn ask(&self, authorization: &[&str], tenant: Option<&str>) -> (u16, Value, String) {
        let app = App::new().configure(|routes| configure(routes, self.shared.clone()));
        let app = test::init_service(app).await;
        let mut request = test::TestRequest::post().uri("/graphql").insert_header(("host", "localhost"));
        request = request.insert_header(("content-type", "application/json")).set_payload(r#"{"query":"{ a }"}"#);
        for header in authorization {
            let value = actix_web::http::header::HeaderValue::from_bytes(header.as_bytes()).unwrap();
            request = request.append_header((actix_web::http::header::AUTHORIZATION, value));
        }
        if let Some(tenant) = tenant {
            request = request.insert_header(("quarterdeck-tenant", tenant));
        }
        let response = test::call_service(&app, request.to_request()).await;
        let scheme = response.headers().get("www-authenticate").map_or("", |value| value.to_str().unwrap()).to_owned();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&test::read_body(response).await).unwrap(), scheme)
    }
}

fn keyring() -> Keyring {
    let service = |name: &str| access::Login::Service(Text::new(name).unwrap());
    let key = |name: &str, login: &str, secret: u8, expires_at| Key {
        tenant_name: name.to_owned(),
        login: service(login),
        secret_sha256: ApiKey::new(OURS, Uuid::nil(), [secret; 32]).secret_sha256(),
        expires_at,
    };
    let keys = vec![
        ((OURS, Uuid::from_u128(10)), key("ours", "warehouse", 0xab, None)),
        ((OURS, Uuid::from_u128(11)), key("ours", "over", 3, Some(system_clock()))),
        ((OTHERS, Uuid::from_u128(20)), key("others", "theirs", 4, None)),
    ];
    let link = |subject: &str, tenant: TenantId, name: &str, login: access::Login| {
        let link = Link { tenant, tenant_name: name.to_owned(), login, id: Uuid::from_u128(30) };
        ((ISSUER.to_owned(), subject.to_owned()), link)
    };
    let person = access::Login::Person(PersonId(Uuid::from_u128(7)));
    let links = vec![
        link("tomas", OURS, "ours", person.clone()),
        link("theirs", OTHERS, "others", service("theirs")),
        link("shared", OURS, "ours", person),
        link("shared", OTHERS, "others", service("theirs")),
    ];
    Keyring::of(keys, links)
}
