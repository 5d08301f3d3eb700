// What makes an example run as it is: the two instants put around a query, and real ids in the place of placeholders.
"use strict";

/** The document with the operation asked through asOf(at: $at). Query and Snapshot have the same fields. */
function throughInstants(text, { start, open, end }) {
  const head = text.slice(start, open);
  const declared = !head.trim() ? "query ($at: AsOf) "
    : head.includes("(") ? head.replace("(", "($at: AsOf, ") : head.trimEnd() + "($at: AsOf) ";
  const asked = `${declared}{ asOf(at: $at) ${text.slice(open, end + 1)} }`;
  return text.slice(0, start) + asked + text.slice(end + 1);
}

/** The last day of the quarter before this one. */
function lastQuarterEnd() {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), Math.floor(now.getUTCMonth() / 3) * 3, 0)).toISOString().slice(0, 10);
}

/** The first day of this quarter, or of one that many quarters later. */
function quarterStart(later) {
  const now = new Date();
  const month = (Math.floor(now.getUTCMonth() / 3) + later) * 3;
  return new Date(Date.UTC(now.getUTCFullYear(), month, 1)).toISOString().slice(0, 10);
}

/** What stands in the place of each placeholder, out of the answer to the example `ids_to_try`. */
function placeholders({ pipelines, people, open, won }) {
  const [pipeline, person, deal, win] = [pipelines, people, open, won].map((page) => page?.nodes[0]);
  const won_at = win?.changes.findLast((change) => change.standing && change.types.includes("deal.won"));
  return {
    "the key of a pipeline": pipeline?.key,
    "the key of a stage": pipeline?.stages.find((stage) => stage.kind === "OPEN")?.key,
    "the key of a person": person?.key,
    "the id of an open deal": deal?.id,
    "the id of a won deal": win?.id,
    "the position of its win": won_at?.position,
    "the last day of the last quarter": lastQuarterEnd(),
    "the first instant of this quarter": `${quarterStart(0)}T00:00:00Z`,
    "the first day of this quarter": quarterStart(0),
    "the first day of the next quarter": quarterStart(1),
  };
}

/** The variables with ids of the company that is served, and with a commandId that nobody has used. */
async function filled(variables, examples) {
  const fresh = variables.replace(/("commandId": ")[0-9a-f-]{36}"/, (_, before) => `${before}${crypto.randomUUID()}"`);
  if (!/"the (key|id|position|last day|first instant|first day) of /.test(fresh)) return fresh;
  try {
    const ids = examples.find(({ name }) => name === "ids_to_try");
    const response = await ask({ query: ids.document, variables: {} });
    const found = placeholders((await response.json()).data ?? {});
    return Object.entries(found).reduce((text, [placeholder, value]) =>
      value === undefined ? text : text.replaceAll(`"${placeholder}"`, JSON.stringify(value)), fresh);
  } catch {
    return fresh; // the placeholders say what belongs there
  }
}

/** Offers the ends of the last quarters. */
function offerInstants() {
  const now = new Date();
  for (let back = 0; back < 6; back += 1) {
    const end = new Date(Date.UTC(now.getUTCFullYear(), (Math.floor(now.getUTCMonth() / 3) - back) * 3, 0));
    $("instants").append(make("option", { value: end.toISOString().slice(0, 10) }));
  }
}
