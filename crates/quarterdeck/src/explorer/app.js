// The explorer: examples, an editor, the two instants, the answer, and the schema's documentation. No dependencies.
"use strict";

const $ = (id) => document.getElementById(id);
const RESULT_COLOURED_CHARS_MAX = 400_000;
const FOUND_MAX = 80;
const START = "query Hello {\n  __typename\n}\n";

/** Makes an element: attributes, listeners (`onclick`) and children in one go. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element[name] = value;
    else if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// What was typed is kept for the next visit, where the browser permits it.

const KEPT = ["document", "variables", "effective", "known", "tenant"];

function keep() {
  try {
    for (const id of KEPT) localStorage.setItem("quarterdeck." + id, $(id).value);
    sessionStorage.setItem("quarterdeck.key", $("key").value);
  } catch { /* a private window keeps nothing */ }
}

function recall() {
  try {
    for (const id of KEPT) $(id).value = localStorage.getItem("quarterdeck." + id) ?? "";
    $("key").value = sessionStorage.getItem("quarterdeck.key") ?? "";
  } catch { /* a private window keeps nothing */ }
  if (!$("document").value.trim()) $("document").value = START;
}

// The two instants.

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
const POSITION = /^\d{1,19}$/;

const isTime = (text) => !Number.isNaN(Date.parse(text));
const isDay = (text) => DAY.test(text) && isTime(text) && new Date(text).toISOString().startsWith(text);
const isInstant = (text) => INSTANT.test(text) && isTime(text.replace(" ", "T"));

/** An EffectiveInput, null for now, or undefined when the text is neither. */
function effective(text) {
  if (text === "") return null;
  if (isDay(text)) return { day: text };
  return isInstant(text) ? { at: text.replace(" ", "T") } : undefined;
}

/** A KnownInput, null for now, or undefined. */
function known(text) {
  if (text === "") return null;
  if (POSITION.test(text)) return { position: text };
  if (isDay(text)) return { day: text };
  return isInstant(text) ? { at: text.replace(" ", "T") } : undefined;
}

/** The AsOf that the two boxes say: null when both are empty, undefined when one cannot be read. */
function asOf() {
  const said = { effective: effective($("effective").value.trim()), known: known($("known").value.trim()) };
  for (const id of ["effective", "known"]) $(id).setAttribute("aria-invalid", String(said[id] === undefined));
  if (said.effective === undefined || said.known === undefined) return undefined;
  const at = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null));
  return Object.keys(at).length ? at : null;
}

// Operations of the document: enough of a lexer to find them; the server is the judge of the rest.

/** The document with strings and comments blanked, so that every character keeps its place. */
function blanked(text) {
  return text.replace(/"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n]*/g, (match) => match.replace(/[^\n]/g, " "));
}

function operations(text) {
  const plain = blanked(text);
  const found = [];
  let [braces, brackets, start, open, head] = [0, 0, null, 0, ""];
  for (let at = 0; at < plain.length; at += 1) {
    const char = plain[at];
    if (braces === 0 && start === null && /\S/.test(char)) start = at;
    if (char === "(" || char === "[") brackets += 1;
    if (char === ")" || char === "]") brackets -= 1;
    if (brackets > 0) continue;
    if (char === "{" && braces++ === 0) [open, head] = [at, plain.slice(start ?? at, at)];
    if (char === "}" && --braces === 0) {
      const [, kind, name] = /^(query|mutation|subscription)?\s*([_A-Za-z]\w*)?/.exec(head);
      const takesAt = /\$at\s*:\s*AsOf\b/.test(head);
      const names = plain.slice(open, at).match(/\w+/g) ?? [];
      const wraps = (kind ?? "query") === "query" && !takesAt && !names.includes("asOf");
      if (kind || !head.trim()) found.push({ kind: kind ?? "query", name, takesAt, wraps, start, open, end: at });
      start = null;
    }
  }
  return found;
}

/** The operation at the caret, else the last before it, else the first. */
function chosen() {
  const all = operations($("document").value);
  const caret = $("document").selectionStart;
  return { all, operation: all.findLast((operation) => operation.start <= caret) ?? all[0] };
}

function describe() {
  const { all, operation } = chosen();
  const name = operation?.name ?? "without a name";
  $("operation").textContent = operation ? `${operation.kind} ${name}${all.length > 1 ? ` (of ${all.length})` : ""}` : "";
  const at = asOf();
  if (at === undefined) return note("An instant is empty, a day like 2017-03-31, or like 2017-03-31T12:00:00Z; ",
    "“as known at” may also be a position of the log.");
  if (at && operation?.wraps) {
    return note("It is asked through ", make("code", {}, "asOf(at: $at) { … }"), ", with the two instants as ",
      make("code", {}, "$at"), ".");
  }
  if (at && operation && !operation.takesAt) {
    const what = operation.kind === "query" ? [make("code", {}, "query ($at: AsOf)"), " and ask ",
      make("code", {}, "asOf(at: $at) { … }")] : [" a query: a mutation is always about now"];
    return note("The instants are not used by this operation. To use them, declare ", ...what, ".");
  }
  note();
}

function note(...parts) {
  $("note").hidden = parts.length === 0;
  $("note").replaceChildren(...parts);
}

// Asking.

function variables() {
  const text = $("variables").value.trim();
  const read = JSON.parse(text || "{}");
  if (read === null || typeof read !== "object" || Array.isArray(read)) throw new Error("must be a JSON object");
  return read;
}

function checkVariables() {
  let wrong = "";
  try { variables(); } catch (error) { wrong = error.message; }
  $("variables").setAttribute("aria-invalid", String(wrong !== ""));
  $("variables-state").textContent = wrong;
  return wrong === "";
}

async function ask(body, signal) {
  const headers = {
    "content-type": "application/json",
    accept: "application/graphql-response+json, application/json;q=0.9",
  };
  const [tenant, key] = ["tenant", "key"].map((id) => $(id).value.trim());
  if (tenant) headers["quarterdeck-tenant"] = tenant;
  if (key) headers.authorization = "Bearer " + key;
  return fetch("/graphql", { method: "POST", headers, body: JSON.stringify(body), signal });
}

let running = null;

async function run() {
  if (running) return running.abort();
  describe();
  const at = asOf();
  const { operation } = chosen();
  show("result");
  if (at === undefined) return document.querySelector("#settings [aria-invalid=true]").focus();
  if (!checkVariables()) return $("variables").focus();
  const text = $("document").value;
  const body = { query: at && operation?.wraps ? throughInstants(text, operation) : text, variables: variables() };
  if (operation?.name) body.operationName = operation.name;
  if (at && (operation?.takesAt || operation?.wraps)) body.variables.at = at;
  running = new AbortController();
  $("run").textContent = "Stop";
  $("result").classList.add("running");
  const started = performance.now();
  try {
    const response = await ask(body, running.signal);
    const text = await response.text();
    answered(response, text, performance.now() - started);
  } catch (error) {
    const stopped = error.name === "AbortError";
    state(stopped ? "stopped" : "no answer", true);
    $("errors").replaceChildren();
    $("result").textContent = stopped ? "" : `The server was not reached: ${error.message}`;
  } finally {
    running = null;
    $("run").textContent = "Run";
    $("result").classList.remove("running");
  }
}

function state(text, wrong) {
  $("status").textContent = text;
  $("status").classList.toggle("wrong", wrong);
}

function answered(response, text, elapsedMs) {
  const size = text.length < 1000 ? `${text.length} B` : `${(text.length / 1000).toFixed(1)} kB`;
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    state(`${response.status} · not JSON`, true);
    $("errors").replaceChildren();
    $("result").textContent = text;
    return;
  }
  const count = json.errors?.length ?? 0;
  const errors = count ? ` · ${count} error${count > 1 ? "s" : ""}` : "";
  state(`${response.status} · ${Math.round(elapsedMs)} ms · ${size}${errors}`, count > 0 || !response.ok);
  $("errors").replaceChildren(...(json.errors ?? []).map(errorLine));
  colour($("result"), JSON.stringify(json, null, 2));
}

function errorLine(error) {
  const { code, requestId } = error.extensions ?? {};
  const place = error.locations?.[0];
  return make("li", requestId ? { title: `request ${requestId}` } : {},
    code ? make("b", {}, code) : null,
    error.message,
    error.path ? make("small", {}, error.path.join(".")) : null,
    place ? make("button", { type: "button", onclick: () => goTo(place) }, `line ${place.line}`) : null);
}

function goTo({ line, column }) {
  const lines = $("document").value.split("\n");
  const at = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
  const word = /^\$?\w*/.exec($("document").value.slice(at))[0].length;
  $("document").focus();
  $("document").setSelectionRange(at, at + Math.max(word, 1));
}

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)/g;

/** Shows JSON in colours; a very long one plain, since each token is an element. */
function colour(target, text) {
  if (text.length > RESULT_COLOURED_CHARS_MAX) {
    target.textContent = text;
    return;
  }
  const parts = [];
  let done = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [whole, string, colon, number] = match;
    const kind = string ? (colon ? "key" : "string") : number ? "number" : "literal";
    parts.push(text.slice(done, match.index), make("span", { class: kind }, whole));
    done = match.index + whole.length;
  }
  target.replaceChildren(...parts, text.slice(done));
}

// Editing.

/** Replaces the selection so that the browser's undo still works. */
function insert(area, text) {
  if (!document.execCommand("insertText", false, text)) area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
}

let leaving = false;

function edit(event) {
  const area = event.target;
  const wasLeaving = leaving;
  leaving = event.key === "Escape";
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const lineStart = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
  const indent = /^[ \t]*/.exec(area.value.slice(lineStart, area.selectionStart))[0];
  if (event.key === "Tab" && !wasLeaving) {
    event.preventDefault();
    indentLines(area, lineStart, event.shiftKey);
  } else if (event.key === "Enter") {
    event.preventDefault();
    const opened = /[{([]\s*$/.test(area.value.slice(lineStart, area.selectionStart));
    insert(area, "\n" + indent + (opened ? "  " : ""));
  } else if (event.key === "}" && area.value.slice(lineStart, area.selectionStart) === indent && indent.endsWith("  ")) {
    event.preventDefault();
    area.setSelectionRange(area.selectionStart - 2, area.selectionEnd);
    insert(area, "}");
  }
}

function indentLines(area, lineStart, outdent) {
  const { selectionStart: from, selectionEnd: to } = area;
  if (from === to && !outdent) return insert(area, "  ");
  const old = area.value.slice(lineStart, to);
  const text = outdent ? old.replace(/^ {1,2}/gm, "") : old.replace(/^(?=.)/gm, "  ");
  if (text === old) return;
  area.setSelectionRange(lineStart, to);
  insert(area, text);
  const caret = Math.max(lineStart, from + text.length - old.length);
  area.setSelectionRange(from === to ? caret : lineStart, lineStart + text.length);
  if (from === to) area.setSelectionRange(caret, caret);
}

// Examples.

async function loadExamples() {
  const list = $("examples");
  try {
    const response = await fetch("/explorer/examples.json");
    const examples = await response.json();
    const choose = async (example) => {
      $("document").value = example.document;
      $("variables").value = await filled(example.variables ?? "", examples);
      $("document").setSelectionRange(0, 0);
      history.replaceState(null, "", "#" + encodeURIComponent(example.name));
      for (const button of list.querySelectorAll("button")) {
        button.setAttribute("aria-current", String(button.dataset.name === example.name));
      }
      changed();
    };
    list.replaceChildren(...examples.map((example) => make("li", {},
      make("button", { type: "button", "data-name": example.name, onclick: () => choose(example) }, example.title))));
    if (!examples.length) list.append(make("li", { class: "faint" }, "none"));
    const named = examples.find(({ name }) => "#" + encodeURIComponent(name) === location.hash);
    if (named) await choose(named);
    else if ($("document").value === START && examples.length) await choose(examples[0]).then(run);
  } catch (error) {
    list.replaceChildren(make("li", { class: "faint" }, `not loaded: ${error.message}`));
  }
}

function changed() {
  describe();
  checkVariables();
  keep();
}

// Documentation, from introspection.

const INTROSPECTION = `query Schema {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name description isOneOf
      fields(includeDeprecated: true) {
        name description isDeprecated deprecationReason type { ...T }
        args { name description defaultValue type { ...T } }
      }
      inputFields { name description defaultValue type { ...T } }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      interfaces { name }
      possibleTypes { name }
    }
  }
}
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`;

let schema = null;
let page = null;
const visited = [];

async function loadSchema() {
  try {
    const response = await ask({ query: INTROSPECTION, operationName: "Schema" });
    const { data, errors } = await response.json();
    if (!data?.__schema) throw new Error(errors?.[0]?.message ?? "no schema in the answer");
    schema = data.__schema;
    schema.byName = new Map(schema.types.map((type) => [type.name, type]));
    open(null, false);
  } catch (error) {
    $("docs").replaceChildren(make("p", { class: "wrong" }, `The schema was not loaded: ${error.message}`),
      make("button", { type: "button", onclick: loadSchema }, "Try again"));
  }
}

const linkTo = (name) => make("button", { type: "button", onclick: () => open(name) }, name);

/** A type as GraphQL writes it, its name a link. */
function typed(type) {
  if (type.kind === "NON_NULL") return [...typed(type.ofType), "!"];
  if (type.kind === "LIST") return ["[", ...typed(type.ofType), "]"];
  return [linkTo(type.name)];
}

/** Shows a type, or the overview for null. */
function open(name, remember = true) {
  if (remember) visited.push(page);
  page = name;
  $("docs-search").value = "";
  $("docs-back").disabled = visited.length === 0;
  $("docs").replaceChildren(...(name === null ? overview() : typePage(schema.byName.get(name))));
  $("docs").scrollTop = 0;
}

function overview() {
  const roots = ["queryType", "mutationType", "subscriptionType"].map((root) => schema[root]?.name).filter(Boolean);
  const rest = schema.types.filter((type) => !roots.includes(type.name) && !type.name.startsWith("__"));
  const line = (name) => [make("dt", {}, linkTo(name)), make("dd", {}, firstSentence(schema.byName.get(name).description))];
  const kinds = [["OBJECT", "Objects"], ["INTERFACE", "Interfaces"], ["UNION", "Unions"], ["INPUT_OBJECT", "Inputs"],
    ["ENUM", "Enums"], ["SCALAR", "Scalars"]];
  const groups = kinds.flatMap(([kind, title]) => {
    const names = rest.filter((type) => type.kind === kind).map((type) => type.name).sort();
    return names.length ? [make("h3", {}, title), make("dl", {}, ...names.flatMap(line))] : [];
  });
  return [make("h3", {}, "Start here"), make("dl", {}, ...roots.flatMap(line)), ...groups];
}

const firstSentence = (text) => (text ?? "").split(/(?<=\.)\s|\n\n/)[0];

function typePage(type) {
  const kind = type.kind.replace("_OBJECT", "").toLowerCase() + (type.isOneOf ? ", exactly one field" : "");
  const section = (title, items) => (items?.length ? [make("h3", {}, title), make("dl", {}, ...items.flat())] : []);
  const names = (title, types) => section(title, types?.map(({ name }) => [make("dt", {}, linkTo(name))]));
  return [
    make("h2", {}, type.name, make("small", {}, kind)),
    make("p", {}, type.description ?? ""),
    ...section("Fields", type.fields?.map(fieldLines)),
    ...section("Fields", type.inputFields?.map(fieldLines)),
    ...section("Values", type.enumValues?.map(fieldLines)),
    ...names("Is a", type.interfaces),
    ...names("Is one of", type.possibleTypes),
  ];
}

/** A field, an argument, an input field or a value of an enum. */
function fieldLines(field) {
  const fallback = field.defaultValue === null || field.defaultValue === undefined ? "" : ` = ${field.defaultValue}`;
  const name = make("span", { class: field.isDeprecated ? "gone" : null }, field.name);
  const why = `Deprecated: ${field.deprecationReason ?? "no reason given"}`;
  const gone = field.isDeprecated ? make("p", { class: "wrong" }, why) : null;
  const args = field.args?.length ? make("dl", {}, ...field.args.flatMap(fieldLines)) : null;
  return [
    make("dt", { id: "field-" + field.name }, name, ...(field.type ? [": ", ...typed(field.type)] : []), fallback),
    make("dd", {}, field.description ?? "", gone, args),
  ];
}

function search() {
  const wanted = $("docs-search").value.trim().toLowerCase();
  if (!schema) return;
  if (!wanted) return $("docs").replaceChildren(...(page === null ? overview() : typePage(schema.byName.get(page))));
  const hits = schema.types.filter((type) => !type.name.startsWith("__")).flatMap((type) => {
    const fields = (type.fields ?? type.inputFields ?? type.enumValues ?? []).map((field) => ({ type, field }));
    return [{ type }, ...fields];
  });
  const rank = ({ type, field }) => {
    const [name, text] = [(field ?? type).name.toLowerCase(), ((field ?? type).description ?? "").toLowerCase()];
    if (name === wanted) return 0;
    if (name.startsWith(wanted)) return 1;
    if (name.includes(wanted)) return 2;
    return text.includes(wanted) ? 3 : 9;
  };
  const found = hits.filter((hit) => rank(hit) < 9).sort((a, b) => rank(a) - rank(b));
  const lines = found.slice(0, FOUND_MAX).flatMap(({ type, field }) => [
    make("dt", {}, linkTo(type.name), field ? `.${field.name}` : ""),
    make("dd", {}, firstSentence((field ?? type).description)),
  ]);
  const more = found.length > FOUND_MAX ? `, the first ${FOUND_MAX} shown` : "";
  $("docs").replaceChildren(make("h3", {}, `${found.length} found${more}`), make("dl", {}, ...lines));
}

/** Shows one of the two panes of the right side. */
function show(pane) {
  for (const name of ["result", "docs"]) {
    $("pane-" + name).hidden = name !== pane;
    $("tab-" + name).setAttribute("aria-selected", String(name === pane));
    $("tab-" + name).tabIndex = name === pane ? 0 : -1;
  }
}

function shortcuts(event) {
  if (!(event.ctrlKey || event.metaKey)) return;
  if (event.key === "Enter") run();
  else if (event.key === "k") {
    show("docs");
    $("docs-search").focus();
  } else return;
  event.preventDefault();
}

function start() {
  recall();
  offerInstants();
  $("settings").addEventListener("submit", (event) => { event.preventDefault(); run(); });
  for (const id of [...KEPT, "key"]) $(id).addEventListener("input", changed);
  for (const id of ["document", "variables"]) $(id).addEventListener("keydown", edit);
  for (const event of ["click", "keyup"]) $("document").addEventListener(event, describe);
  for (const id of ["tenant", "key"]) $(id).addEventListener("change", loadSchema);
  document.addEventListener("keydown", shortcuts);
  for (const [name, other] of [["result", "docs"], ["docs", "result"]]) {
    $("tab-" + name).addEventListener("click", () => show(name));
    $("tab-" + name).addEventListener("keydown", ({ key }) => {
      if (key !== "ArrowLeft" && key !== "ArrowRight") return;
      show(other);
      $("tab-" + other).focus();
    });
  }
  $("docs-back").addEventListener("click", () => open(visited.pop(), false));
  $("docs-search").addEventListener("input", search);
  changed();
  loadExamples();
  loadSchema();
}

start();
