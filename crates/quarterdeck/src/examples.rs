//! The documented operations, as the explorer offers them.

use crate::http::Example;

macro_rules! examples {
    ($($name:literal: $title:literal),+ $(,)?) => {
        /// The documented operations of `schema/examples`, in the order in which a newcomer may try them.
        pub(crate) fn all() -> Vec<Example> {
            vec![$(example($name, $title, include_str!(concat!("../../../schema/examples/", $name, ".graphql")))),+]
        }
    };
}

examples! {
    "pipeline_now": "The open pipeline by stage, now",
    "win_rate_by_rep": "Who wins how often, and how much",
    "by_status": "All deals by status: counts, amounts, win rate, cycle",
    "won_by": "Won revenue by region, or any other dimension",
    "counts_as_of": "Open, won and lost as of a day",
    "revenue_by_month": "Won revenue and win rate by close month",
    "two_instants": "One figure at two instants, in one request",
    "what_we_believed": "The four answers of the two clocks",
    "deals_page": "Deals, a page at a time",
    "deal_story": "One deal, and who changed what",
    "people_and_teams": "Who works for whom",
    "stage_visits": "How long deals stay in each stage",
    "log_tail": "The log itself",
    "ids_to_try": "Keys to try the commands with",
    "open_a_deal": "A command: open a deal",
    "win_a_deal": "A command: win a deal",
    "correct_a_win": "A command: correct what was said",
}

/// An example out of its file: the operation, then its variables as JSON in the comment lines after `# variables`.
fn example(name: &str, title: &str, file: &str) -> Example {
    let (document, variables) = file.split_once("# variables\n").unwrap_or((file, ""));
    let variables = variables.lines().map(|line| line.trim_start_matches('#').trim_start()).collect::<Vec<_>>();
    Example {
        name: name.to_owned(),
        title: title.to_owned(),
        document: document.trim_end().to_owned(),
        variables: variables.join("\n"),
    }
}
