//! The one table: which role may do what, on what is its own, its subtree's, or another's.

use crate::person;

/// What a login is in the organisation now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sells.
    Rep,
    /// Leads those who sell.
    Manager,
    /// Leads those who lead.
    Leader,
    /// Keeps the organisation, its pipelines and its figures in order.
    Operations,
    /// Reads, and changes nothing.
    Auditor,
    /// A program.
    Service,
    /// Whoever sits at a machine that asks for no keys.
    Local,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Rep, Self::Manager, Self::Leader, Self::Operations, Self::Auditor, Self::Service, Self::Local];
}

impl From<person::Role> for Role {
    fn from(role: person::Role) -> Self {
        match role {
            person::Role::Rep => Self::Rep,
            person::Role::Manager => Self::Manager,
            person::Role::Leader => Self::Leader,
            person::Role::Operations => Self::Operations,
            person::Role::Auditor => Self::Auditor,
        }
    }
}

/// How the person whom something is about stands to the login, by the reporting lines as they stand now. What is about
/// no person (an account, a pipeline, the log) is another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// The person of the login.
    Own,
    /// Somebody who reports to them, directly or not.
    Subtree,
    /// Anybody else, and what is nobody's.
    Other,
}

impl Relation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Own, Self::Subtree, Self::Other];
}

/// A row of the table. The first row that names role, relation and action decides; what no row names is not allowed.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Whether it is allowed.
    pub allow: bool,
    /// Who.
    pub roles: &'static [Role],
    /// Whose.
    pub relations: &'static [Relation],
    /// What: groups of actions.
    pub actions: &'static [Group],
}

/// Actions that are allowed together: mutations by their names, `<kind>.correct` for replacing or withdrawing what
/// somebody else said, and what may be seen by the name of its object.
pub type Group = &'static [&'static str];

const SEE_DIRECTORY: Group = &["Directory"];
const SEE_PRIVATE: Group = &["Person.private"];
const SEE_DEALS: Group = &["Deal"];
const SEE_LOGINS: Group = &["Login"];
const SEE_LOG: Group = &["LogEvent", "LogHead"];
const KEYS: Group = &["keyCreate", "loginRevoke"];
const TOKENS: Group = &["loginLink"];
const WORK_DEALS: Group = &[
    "dealOpen",
    "dealRename",
    "dealChangeStage",
    "dealChangeAmount",
    "dealMoveCloseDate",
    "dealOverrideCategory",
    "dealOverrideProbability",
    "dealSetNextStep",
    "dealWin",
    "dealLose",
    "dealCloseWithoutDecision",
    "dealReopen",
    "dealMerge",
    "dealWithdraw",
];
const GIVE_DEALS: Group = &["dealChangeOwner"];
const CORRECT_DEALS: Group = &["deal.correct"];
const PUT_ON_LEAVE: Group = &["personStartLeave", "personEndLeave"];
const WRITE_PEOPLE: Group = &["personHire", "personRename", "personChangeEmail", "personJoinTeam"];
const END_EMPLOYMENT: Group = &["personDepart"];
/// What decides of what a person may see and do: nobody says it of themselves.
const STANDING: Group =
    &["personAssignRole", "personRehire", "personSetManager", "personWithdrawManager", "personWithdraw"];
const CORRECT_PEOPLE: Group = &["person.correct", "reporting.correct"];
const KEEP_ACCOUNTS: Group = &["accountRegister", "accountRename", "accountChangeSector"];
const ORDER_ACCOUNTS: Group = &["accountChangeParent", "accountClose", "accountWithdraw"];
const CORRECT_ACCOUNTS: Group = &["account.correct"];
const PRODUCTS: Group =
    &["productLaunch", "productRename", "productChangeListPrice", "productDiscontinue", "productWithdraw"];
const CORRECT_PRODUCTS: Group = &["product.correct"];
const TEAMS: Group = &["teamForm", "teamRename", "teamMove", "teamDisband", "teamWithdraw", "team.correct"];
const PIPELINES: Group = &[
    "pipelineDefine",
    "pipelineRename",
    "pipelineAddStage",
    "pipelineRenameStage",
    "pipelineReorderStage",
    "pipelineChangeStageDefaults",
    "pipelineRetireStage",
    "pipelineWithdraw",
    "pipeline.correct",
];

/// All actions, by the names of their groups.
pub const ACTIONS: &[(&str, Group)] = &[
    ("see the directory: people, teams, accounts, products, pipelines", SEE_DIRECTORY),
    ("see what is private of a person", SEE_PRIVATE),
    ("see deals and figures", SEE_DEALS),
    ("see who logs in", SEE_LOGINS),
    ("read the log itself", SEE_LOG),
    ("keys", KEYS),
    ("whom tokens mean", TOKENS),
    ("work on deals", WORK_DEALS),
    ("give deals to others", GIVE_DEALS),
    ("correct what others said of deals", CORRECT_DEALS),
    ("leaves", PUT_ON_LEAVE),
    ("people", WRITE_PEOPLE),
    ("departures", END_EMPLOYMENT),
    ("roles and reporting lines", STANDING),
    ("correct what others said of people", CORRECT_PEOPLE),
    ("accounts", KEEP_ACCOUNTS),
    ("the order of accounts", ORDER_ACCOUNTS),
    ("correct what others said of accounts", CORRECT_ACCOUNTS),
    ("products", PRODUCTS),
    ("correct what others said of products", CORRECT_PRODUCTS),
    ("teams", TEAMS),
    ("pipelines", PIPELINES),
];

const WORKERS: &[Role] = &[Role::Rep, Role::Manager, Role::Leader, Role::Operations];
const EVERYBODY: &[Role] = &Role::ALL;
const ANYONES: &[Relation] = &Relation::ALL;
const OWN: &[Relation] = &[Relation::Own];
const SUBTREE: &[Relation] = &[Relation::Subtree];
const OWN_AND_SUBTREE: &[Relation] = &[Relation::Own, Relation::Subtree];
const EVERY: &[Group] = &[
    SEE_DIRECTORY,
    SEE_PRIVATE,
    SEE_DEALS,
    SEE_LOGINS,
    SEE_LOG,
    KEYS,
    TOKENS,
    WORK_DEALS,
    GIVE_DEALS,
    CORRECT_DEALS,
    PUT_ON_LEAVE,
    WRITE_PEOPLE,
    END_EMPLOYMENT,
    STANDING,
    CORRECT_PEOPLE,
    KEEP_ACCOUNTS,
    ORDER_ACCOUNTS,
    CORRECT_ACCOUNTS,
    PRODUCTS,
    CORRECT_PRODUCTS,
    TEAMS,
    PIPELINES,
];

const fn yes(roles: &'static [Role], relations: &'static [Relation], actions: &'static [Group]) -> Rule {
    Rule { allow: true, roles, relations, actions }
}

const fn no(roles: &'static [Role], relations: &'static [Relation], actions: &'static [Group]) -> Rule {
    Rule { allow: false, roles, relations, actions }
}

/// The table.
pub const RULES: &[Rule] = &[
    yes(&[Role::Local], ANYONES, EVERY),
    // Nobody says of themselves what they may see and do, nor sends themselves on leave or away.
    no(EVERYBODY, OWN, &[STANDING, CORRECT_PEOPLE, PUT_ON_LEAVE, END_EMPLOYMENT, TOKENS]),
    // A key of one's own opens no more than its maker may. Whoever makes keys for others could act as they: operations
    // alone may, and the log holds each key with who made it.
    yes(WORKERS, OWN, &[SEE_LOGINS, KEYS]),
    yes(&[Role::Auditor], ANYONES, &[SEE_LOGINS]),
    yes(EVERYBODY, ANYONES, &[SEE_DIRECTORY]),
    yes(&[Role::Rep], OWN, &[SEE_DEALS, SEE_PRIVATE, WORK_DEALS]),
    yes(&[Role::Rep, Role::Manager], ANYONES, &[KEEP_ACCOUNTS]),
    // A manager gives deals within the own subtree: owner and next owner are both asked for.
    yes(&[Role::Manager], OWN_AND_SUBTREE, &[SEE_DEALS, SEE_PRIVATE, WORK_DEALS, GIVE_DEALS]),
    yes(&[Role::Manager], SUBTREE, &[CORRECT_DEALS, PUT_ON_LEAVE]),
    yes(&[Role::Leader], ANYONES, &[SEE_DEALS, SEE_PRIVATE, SEE_LOG, WORK_DEALS, GIVE_DEALS, CORRECT_DEALS]),
    yes(&[Role::Leader], ANYONES, &[PUT_ON_LEAVE, WRITE_PEOPLE, END_EMPLOYMENT, STANDING, CORRECT_PEOPLE]),
    yes(&[Role::Leader], ANYONES, &[KEEP_ACCOUNTS, ORDER_ACCOUNTS, CORRECT_ACCOUNTS]),
    // Operations mend what others said, and a win is mended by saying it anew: so they may close deals too.
    yes(&[Role::Operations], ANYONES, EVERY),
    yes(&[Role::Auditor], ANYONES, &[SEE_DEALS, SEE_PRIVATE, SEE_LOG]),
    // A program brings in what another system says. It mends its own words only, and gives nobody a role.
    yes(&[Role::Service], ANYONES, &[SEE_DEALS, SEE_LOG, WORK_DEALS, GIVE_DEALS, PUT_ON_LEAVE, WRITE_PEOPLE]),
    yes(&[Role::Service], ANYONES, &[END_EMPLOYMENT, KEEP_ACCOUNTS, ORDER_ACCOUNTS, PRODUCTS]),
];

/// What guards the objects of the schema: `Deal` and `Person.private` by relation, the log by role, `Directory` for
/// everybody with a role; `Parts` are figures and pages, which hold only what their root let through; `Answer`s are
/// given to whoever was allowed to ask.
pub const OBJECTS: &[(&str, &[&str])] = &[
    (
        "Deal",
        &[
            "Deal",
            "DealConnection",
            "DealEdge",
            "DealMetrics",
            "DealGroup",
            "DealGroupKey",
            "StageVisits",
            "PipelineWaterfall",
            "WinRates",
            "StageConversions",
            "StageTimes",
            "Velocity",
        ],
    ),
    ("Person.private", &[]),
    ("LogEvent", &["LogEvent", "LogEventConnection", "LogEventEdge"]),
    ("LogHead", &["LogHead"]),
    ("Login", &["Login", "LoginConnection", "LoginEdge"]),
    (
        "Directory",
        &[
            "Person",
            "PersonConnection",
            "PersonEdge",
            "Team",
            "TeamConnection",
            "TeamEdge",
            "Account",
            "AccountConnection",
            "AccountEdge",
            "Product",
            "ProductConnection",
            "ProductEdge",
            "Pipeline",
            "PipelineConnection",
            "PipelineEdge",
            "Stage",
        ],
    ),
    (
        "Parts",
        &[
            "Change",
            "FieldChange",
            "PageInfo",
            "Money",
            "MoneyRatio",
            "Ratio",
            "DealSum",
            "DealFigures",
            "CycleDays",
            "DayStatistics",
            "DayRange",
            "FlowSum",
            "WaterfallLine",
            "WaterfallDeal",
            "WaterfallDealConnection",
            "WaterfallDealEdge",
            "CategoryFlowCell",
            "GrossWaterfall",
            "GrossLine",
            "GrossStep",
            "GrossStepConnection",
            "GrossStepEdge",
            "MemoLine",
            "FigureDeal",
            "FigureDealConnection",
            "FigureDealEdge",
            "OutcomeSum",
            "StageConversion",
            "Conversion",
            "ConversionPart",
            "StageTime",
            "StageVisit",
            "StageVisitConnection",
            "StageVisitEdge",
            "CurrencyVelocity",
        ],
    ),
    (
        "Answer",
        &[
            "Query",
            "Snapshot",
            "Mutation",
            "Viewer",
            "ViewerTenant",
            "KeyPayload",
            "LoginPayload",
            "LoginUserError",
            "DealPayload",
            "DealUserError",
            "PersonPayload",
            "PersonUserError",
            "ManagerPayload",
            "ManagerUserError",
            "TeamPayload",
            "TeamUserError",
            "AccountPayload",
            "AccountUserError",
            "ProductPayload",
            "ProductUserError",
            "PipelinePayload",
            "PipelineUserError",
        ],
    ),
];

/// What the table says.
pub fn allowed(role: Role, relation: Relation, action: &str) -> bool {
    let names = |rule: &&Rule| {
        rule.roles.contains(&role)
            && rule.relations.contains(&relation)
            && rule.actions.iter().any(|group| group.contains(&action))
    };
    RULES.iter().find(names).is_some_and(|rule| rule.allow)
}

/// Whether an action is a mutation: the others are named by an object, or with a dot.
pub(super) fn is_mutation(action: &str) -> bool {
    action.starts_with(|letter: char| letter.is_ascii_lowercase()) && !action.contains('.')
}

/// The table as text: a line an action, a column a role.
pub fn printed() -> String {
    let line = |name: &str, cells: [String; Role::ALL.len()]| {
        let cells: String = cells.iter().map(|cell| format!("{cell:<13}")).collect();
        format!("  {name:<28}{cells}").trim_end().to_owned()
    };
    let mut lines = vec![line("", Role::ALL.map(|role| format!("{role:?}").to_lowercase()))];
    for (group, actions) in ACTIONS {
        lines.push(format!("\n{group}"));
        lines.extend(actions.iter().map(|action| line(action, Role::ALL.map(|role| cell(role, action).to_owned()))));
    }
    lines.push("\nown: of the person who asks; subtree: of those who report to them now, directly or not".to_owned());
    lines.join("\n")
}

fn cell(role: Role, action: &str) -> &'static str {
    match Relation::ALL.map(|relation| allowed(role, relation, action)) {
        [true, true, true] => "all",
        [false, true, true] => "all but own",
        [true, true, false] => "own, subtree",
        [true, false, false] => "own",
        [false, true, false] => "subtree",
        [false, false, false] => "-",
        [_, false, true] => "others",
    }
}
