// A real OpenID provider issues tokens; a server that takes nobody without a key or a token takes them, and takes the new
// ones after the provider has changed its keys.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { exportJWK, generateKeyPair } from "jose";
import { Provider } from "oidc-provider";

const bin = process.argv[2];
const AUDIENCE = "quarterdeck";
const SECRET = "a secret of the test";
const ALGORITHMS = ["RS256", "ES256", "EdDSA"];

async function keys() {
  const made = ALGORITHMS.map(async (alg) => {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    return { ...(await exportJWK(privateKey)), use: "sig", alg };
  });
  return { keys: await Promise.all(made) };
}

/** The provider with keys of its own making; the resource that a client names chooses the way of signing. */
async function provider(issuer) {
  const client = (id) => ({
    client_id: id, client_secret: SECRET, grant_types: ["client_credentials"], redirect_uris: [], response_types: [],
  });
  return new Provider(issuer, {
    jwks: await keys(),
    clients: [client("robot"), client("stranger")],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({
          audience: resource.startsWith("urn:others:") ? "others" : AUDIENCE,
          accessTokenFormat: "jwt", accessTokenTTL: 300, scope: "read",
          jwt: { sign: { alg: resource.split(":").at(-1) } },
        }),
      },
    },
    formats: { customizers: { jwt: (_, token, parts) => { parts.payload.nbf = parts.payload.iat; } } },
  }).callback();
}

let answering = null;
const http = createServer((request, response) => answering(request, response)).listen(0, "127.0.0.1");
await once(http, "listening");
const issuer = `http://127.0.0.1:${http.address().port}`;
answering = await provider(issuer);

async function token(alg, client = "robot", audience = AUDIENCE) {
  const response = await fetch(issuer + "/token", {
    method: "POST",
    headers: { authorization: "Basic " + Buffer.from(`${client}:${encodeURIComponent(SECRET)}`).toString("base64") },
    body: new URLSearchParams({ grant_type: "client_credentials", resource: `urn:${audience}:${alg}`, scope: "read" }),
  });
  const answer = await response.json();
  assert.equal(response.status, 200, JSON.stringify(answer));
  return answer.access_token;
}

const home = mkdtempSync(join(tmpdir(), "quarterdeck-oidc-"));
chmodSync(home, 0o755); // the database's files belong to another user when this is root's
const base = ["--data", join(home, "data"), "--log", "warn"];

function run(...words) {
  const { status, stdout, stderr } = spawnSync(bin, [...base, ...words], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout;
}

async function served() {
  const words = ["serve", "--listen", "127.0.0.1:0", "--identity", "required", "--jwt-issuer", issuer,
    "--jwt-audience", AUDIENCE, "--jwt-jwks", issuer + "/jwks"];
  const child = spawn(bin, [...base, ...words], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface(child.stdout)) {
    const url = /GraphQL at (http[^)]*)/.exec(line)?.[1];
    if (url) return [child, url];
  }
  throw new Error("the server did not say where it serves");
}

let child = null;
try {
  run("tenant", "create", "clients", "--currency", "USD", "--timezone", "UTC");
  const linked = run("login", "link", "--tenant", "clients", "--issuer", issuer, "--subject", "robot", "--service", "robot");
  const started = Date.now();
  let url = null;
  [child, url] = await served();

  async function asked(bearer) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...(bearer && { authorization: "Bearer " + bearer }) },
      body: JSON.stringify({ query: "{ viewer { actor } }" }),
    });
    const answer = await response.json();
    if (response.status === 401) assert.equal(answer.errors[0].extensions.code, "UNAUTHENTICATED");
    return response.status === 200 ? answer.data.viewer.actor : response.status;
  }

  const old = {};
  for (const alg of ALGORITHMS) {
    old[alg] = await token(alg);
    assert.equal(await asked(old[alg]), "service:robot", alg);
  }
  assert.equal(await asked(null), 401, "no token");
  assert.equal(await asked(old.ES256.slice(0, -4) + "AAAA"), 401, "another signature");
  assert.equal(await asked(await token("RS256", "stranger")), 401, "a subject that nobody linked");
  assert.equal(await asked(await token("RS256", "robot", "others")), 401, "made for others");
  assert.equal(await asked(await token("PS256").catch(() => "none.of.these")), 401, "another algorithm");

  answering = await provider(issuer);
  const fresh = await token("RS256");
  if (Date.now() - started < 25_000) assert.equal(await asked(fresh), 401, "a new key before the floor");
  while ((await asked(fresh)) === 401) {
    assert.ok(Date.now() - started < 60_000, "the new keys were not found within a minute");
    await sleep(1_000);
  }
  for (const alg of ALGORITHMS) {
    assert.equal(await asked(await token(alg)), "service:robot", "a new " + alg);
    assert.equal(await asked(old[alg]), 401, "an old " + alg);
  }
  console.log(`oidc-provider: ${ALGORITHMS.join(", ")} log in; new keys log in ${(Date.now() - started) / 1_000} s after the start`);

  run("key", "revoke", /\(([0-9a-f-]{36})\)/.exec(linked)[1], "--tenant", "clients");
  const revoked = Date.now();
  while ((await asked(fresh)) !== 401) {
    assert.ok(Date.now() - revoked < 5_000, "revoked, and still taken after five seconds");
    await sleep(100);
  }
  console.log(`oidc-provider: refused ${Date.now() - revoked} ms after the revocation`);
} finally {
  if (child) {
    child.kill("SIGTERM");
    if (child.exitCode === null) await once(child, "exit");
  }
  http.close();
  http.closeAllConnections();
  rmSync(home, { recursive: true, force: true });
}
