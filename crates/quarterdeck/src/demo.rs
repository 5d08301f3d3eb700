//! A small company of our own making: its people, its deals, and what went wrong with them. The same every time, but
//! for its dates: it ends on the day on which its tenant was made. A making that broke off goes on where it was, since
//! the same commands bear the same ids.

use chrono::{Days, NaiveDate, TimeDelta};
use deadpool_postgres::Pool;
use decider::Decider;
use logbook::{
    AnyCommand, Correction, Failure, Fault, Logbook, Reads, Slice, Source, StreamRef, Submission, Tenant, Verb, tenants,
};
use sales::{
    account::{self, Account},
    category::Category,
    deal::{self, Deal},
    person::{self, Person},
    pipeline::{self, Pipeline},
    product::{self, Product},
    reporting::{self, Reporting},
    team::{self, Teams},
};
use std::collections::BTreeMap;
use units::{
    AccountId, Currency, Instant, Money, PersonId, Personal, PipelineId, ProductId, Share, StageId, TeamId, TenantId,
    Text, Zone,
};
use uuid::Uuid;

/// Which story is told: another word for each change of it, so that no half of one is finished with the other.
const STORY: &str = "the harbour, with amounts put right";
/// Days of history that the company has.
const DAYS: u64 = 400;
/// Deals opened on a working day, on average of three.
const DEALS_OF_THREE_DAYS: u32 = 5;

/// A team: its name, its manager, its reps.
type TeamOf = (&'static str, &'static str, &'static [&'static str]);

const REGIONS: &[(&str, &[TeamOf])] = &[
    (
        "Harbour",
        &[
            ("Piers", "Ines Calder", &["Tomas Weir", "Ada Lindqvist", "Ravi Menon"]),
            ("Docks", "Oskar Brandt", &["Mei Tanaka", "Jonah Price"]),
        ],
    ),
    (
        "Uplands",
        &[
            ("Ridge", "Nadia Haddad", &["Luca Ferri", "Sofia Duarte", "Ben Okafor"]),
            ("Valley", "Piet de Vries", &["Hana Novak", "Emil Sand"]),
        ],
    ),
];

const ACCOUNTS: &[(&str, &str)] = &[
    ("Northwind Ferries", "transport"),
    ("Bluebell Foods", "food"),
    ("Cobalt Mining", "mining"),
    ("Delta Clinics", "health"),
    ("Elm & Ash Furniture", "retail"),
    ("Fjord Energy", "energy"),
    ("Granite Works", "construction"),
    ("Halcyon Hotels", "travel"),
    ("Iris Optics", "manufacturing"),
    ("Juniper Schools", "education"),
    ("Kestrel Airways", "transport"),
    ("Lantern Media", "media"),
    ("Meridian Bank", "finance"),
    ("Nimbus Cloud", "technology"),
    ("Orchard Insurance", "finance"),
];

const PRODUCTS: &[(&str, i64)] =
    &[("Chart", 120_000), ("Sextant", 450_000), ("Chronometer", 980_000), ("Lighthouse", 2_400_000)];

const STAGES: &[(&str, pipeline::StageKind, i32, Category)] = &[
    ("Qualified", pipeline::StageKind::Open, 1_000, Category::Pipeline),
    ("Discovery", pipeline::StageKind::Open, 2_500, Category::Pipeline),
    ("Proposal", pipeline::StageKind::Open, 5_000, Category::BestCase),
    ("Negotiation", pipeline::StageKind::Open, 7_500, Category::Commit),
    ("Won", pipeline::StageKind::Won, 10_000, Category::Closed),
    ("Lost", pipeline::StageKind::Lost, 0, Category::Omitted),
];

const LOST: &[&str] = &["price", "no budget", "chose another vendor", "timing", "missing feature"];

/// Why the company could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The name is another company's.
    #[error("the tenant {0} is no demonstration: choose another name with --tenant")]
    Another(String),
    /// The tenant could not be made.
    #[error(transparent)]
    Tenant(#[from] tenants::TenantError),
    /// Something broke.
    #[error("the demonstration could not be made: {0}")]
    Fault(#[from] Fault),
    /// A command of ours was refused: a mistake of the generator.
    #[error("the demonstration could not be made: {0}")]
    Refused(#[from] Failure),
}

/// The tenant of a company that ends at an instant. Its id tells that it is ours, and which story it was told.
pub fn tenant(name: &str, today: Instant) -> Tenant {
    Tenant {
        id: told_as(&[name, STORY], today),
        name: name.to_owned(),
        currency: dollars(),
        zone: Zone::UTC,
        created_at: today,
    }
}

fn told_as(words: &[&str], today: Instant) -> TenantId {
    TenantId(Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{} {today}", words.join(" ")).as_bytes()))
}

fn dollars() -> Currency {
    "USD".parse().expect("USD is a currency")
}

/// All that happens to a tenant's company, a list a day: always the same for the same tenant.
pub fn story(tenant: &Tenant) -> Vec<Vec<Submission>> {
    Company::new(tenant.created_at, tenant.currency).story().into_values().collect()
}

/// Makes the company, or what a making that broke off left out of it, and says what was done.
///
/// # Errors
/// When it cannot be written, or the tenant of that name is another company.
pub async fn company(logbook: &Logbook, watch: &Pool, name: &str) -> Result<String, DemoError> {
    let known = tenants::list(watch).await?.into_iter().find(|tenant| tenant.name == name);
    let (tenant, days) = match known {
        None => {
            let tenant = tenant(name, (logbook.clock())());
            tenants::create(logbook.pool(), &tenant).await?;
            let days = story(&tenant);
            (tenant, days)
        }
        Some(tenant) if tenant.id == told_as(&[name, STORY], tenant.created_at) => {
            let days = story(&tenant);
            if whole(logbook, &tenant, &days).await? {
                return Ok(format!("the tenant {name} is there already: it is served as it is"));
            }
            (tenant, days)
        }
        Some(tenant) if tenant.id == told_as(&[name], tenant.created_at) => {
            return Ok(format!("the tenant {name} was made by an earlier quarterdeck: it is served as it is"));
        }
        Some(_) => return Err(DemoError::Another(name.to_owned())),
    };
    let mut events = 0;
    for day in days {
        for answer in logbook.append(&tenant, &day).await {
            events = answer?.last.0;
        }
    }
    Ok(format!("made the tenant {name}: a company of {} people and {events} events, simulated up to today", 14))
}

/// Whether the log holds the story's last command. A day is one transaction, so its last command may be any of it.
async fn whole(logbook: &Logbook, tenant: &Tenant, days: &[Vec<Submission>]) -> Result<bool, Fault> {
    let Some(last) = days.last() else { return Ok(true) };
    let reads = Reads::new(logbook.pool().clone(), tenant.clone());
    let mut found = Ok(false);
    for submission in last.iter().rev() {
        found = reads.correlated(submission.command_id).await.map(|events| !events.is_empty());
        if !matches!(found, Ok(false)) {
            break;
        }
    }
    reads.finish().await;
    found
}

/// Chance that is the same every time (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 33) % u64::from(bound.max(1))).unwrap_or(0)
    }

    fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(u32::try_from(choices.len()).unwrap_or(1)) as usize]
    }
}

struct Company {
    chance: Chance,
    currency: Currency,
    today: Instant,
    begins: NaiveDate,
    told: u32,
    days: BTreeMap<NaiveDate, Vec<Submission>>,
}

fn id(kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("quarterdeck demo {kind} {name}").as_bytes())
}

fn text(written: &str) -> Text {
    Text::new(written).expect("the demonstration's texts are texts")
}

impl Company {
    fn new(today: Instant, currency: Currency) -> Self {
        let begins = today.date_naive().checked_sub_days(Days::new(DAYS)).unwrap_or(today.date_naive());
        Self { chance: Chance(0x5eed_0f5a_1e5b_00c5), currency, today, begins, told: 0, days: BTreeMap::new() }
    }

    fn story(mut self) -> BTreeMap<NaiveDate, Vec<Submission>> {
        self.organise();
        let mut day = self.begins;
        let mut number = 0;
        while day < self.today.date_naive() {
            for _ in 0..self.opened_on(day) {
                number += 1;
                self.deal(number, day);
            }
            day = day.succ_opt().unwrap_or(self.today.date_naive());
        }
        for day in self.days.values_mut() {
            day.sort_by_key(|submission| submission.recorded_at);
        }
        self.days
    }

    fn opened_on(&mut self, day: NaiveDate) -> u32 {
        use chrono::Datelike;
        if day.weekday().num_days_from_monday() > 4 { 0 } else { self.chance.below(DEALS_OF_THREE_DAYS) }
    }

    /// Puts a command to the day on which it is recorded; nothing is recorded after today.
    fn tell<S: Slice>(&mut self, stream: Uuid, effective: Instant, recorded: Instant, command: S::Command)
    where
        <S as Decider>::Command: AnyCommand,
    {
        self.correct::<S>(stream, effective, recorded, command, None);
    }

    fn correct<S: Slice>(
        &mut self,
        stream: Uuid,
        effective: Instant,
        recorded: Instant,
        command: S::Command,
        reason: Option<&str>,
    ) where
        <S as Decider>::Command: AnyCommand,
    {
        if recorded >= self.today {
            return;
        }
        self.told += 1;
        let submission = Submission {
            command_id: id("command", &self.told.to_string()),
            stream: StreamRef { kind: S::KIND, id: stream },
            fresh: false,
            verb: Verb::Do(Box::new(command)),
            expected_version: None,
            effective_at: Some(effective),
            correction: reason.map(|_| Correction { replaces: None }),
            context: logbook::Context {
                actor: "demo".to_owned(),
                on_behalf_of: None,
                source: Source::Simulated,
                reason: reason.map(str::to_owned),
                correlation_id: None,
                causation_id: None,
                source_recorded_at: None,
            },
            recorded_at: Some(recorded),
        };
        self.days.entry(recorded.date_naive()).or_default().push(submission);
    }

    fn organise(&mut self) {
        let from = morning(self.begins) - TimeDelta::days(1);
        let mut minute = 0;
        let mut next = || {
            minute += 1;
            from + TimeDelta::minutes(minute)
        };
        let pipeline = id("pipeline", "New business");
        self.tell::<Pipeline>(
            pipeline,
            from,
            next(),
            pipeline::Command::Define { name: text("New business"), external_id: None },
        );
        for (order, (name, kind, bps, category)) in (1..).zip(STAGES) {
            let add = pipeline::Command::AddStage {
                stage: StageId(id("stage", name)),
                name: text(name),
                order,
                kind: *kind,
                probability: Share::from_bps(*bps).expect("a share"),
                category: *category,
            };
            self.tell::<Pipeline>(pipeline, from, next(), add);
        }
        for (name, price) in PRODUCTS {
            let list_price = Some(Money { amount_minor: *price, currency: self.currency });
            let launch = product::Command::Launch { name: text(name), list_price, external_id: None };
            self.tell::<Product>(id("product", name), from, next(), launch);
        }
        for (name, sector) in ACCOUNTS {
            let sector = Some(text(sector));
            let register = account::Command::Register { name: text(name), parent: None, sector, external_id: None };
            self.tell::<Account>(id("account", name), from, next(), register);
        }
        for (region, teams) in REGIONS {
            self.form(region, None, from, next());
            for (team, manager, reps) in *teams {
                self.form(team, Some(region), from, next());
                self.hire(manager, team, person::Role::Manager, from, next());
                for rep in *reps {
                    self.hire(rep, team, person::Role::Rep, from, next());
                    let set = reporting::Command::SetManager {
                        person: PersonId(id("person", rep)),
                        manager: Some(PersonId(id("person", manager))),
                        until: None,
                    };
                    self.tell::<Reporting>(reporting::stream_id(), from, next(), set);
                }
            }
        }
        let moved = morning(self.begins) + TimeDelta::days(200);
        let join = person::Command::JoinTeam { team: Some(TeamId(id("team", "Ridge"))), until: None };
        self.tell::<Person>(id("person", "Ravi Menon"), moved, moved, join);
    }

    fn form(&mut self, name: &str, parent: Option<&str>, from: Instant, recorded: Instant) {
        let form = team::Command::Form {
            team: TeamId(id("team", name)),
            name: text(name),
            parent: parent.map(|parent| TeamId(id("team", parent))),
            external_id: None,
        };
        self.tell::<Teams>(team::stream_id(), from, recorded, form);
    }

    fn hire(&mut self, name: &str, team: &str, role: person::Role, from: Instant, recorded: Instant) {
        let hire = person::Command::Hire {
            name: Personal(text(name)),
            email: None,
            role,
            team: Some(TeamId(id("team", team))),
            external_id: None,
        };
        self.tell::<Person>(id("person", name), from, recorded, hire);
    }

    /// One deal, from its opening to its end or to today.
    fn deal(&mut self, number: u32, opened: NaiveDate) {
        let key = id("deal", &number.to_string());
        let reps: Vec<&str> =
            REGIONS.iter().flat_map(|(_, teams)| teams.iter().flat_map(|(_, _, reps)| reps.iter().copied())).collect();
        let owner = *self.chance.one_of(&reps);
        let (account, _) = *self.chance.one_of(ACCOUNTS);
        let (product, price) = *self.chance.one_of(PRODUCTS);
        let mut at = morning(opened) + TimeDelta::minutes(i64::from(self.chance.below(400)));
        let amount = Money { amount_minor: price * i64::from(8 + self.chance.below(6)) / 10, currency: self.currency };
        let weeks = i64::from(3 + self.chance.below(12));
        let close_on = opened.checked_add_signed(TimeDelta::weeks(weeks));
        let open = deal::Command::Open(deal::Opening {
            name: text(&format!("{account}: {product} {number}")),
            pipeline: PipelineId(id("pipeline", "New business")),
            stage: StageId(id("stage", "Qualified")),
            owner: PersonId(id("person", owner)),
            account: Some(AccountId(id("account", account))),
            product: Some(ProductId(id("product", product))),
            amount: Some(amount),
            close_on,
            external_id: None,
            assumed: vec![],
            dates_conflict: false,
        });
        self.tell::<Deal>(key, at, at, open);
        if number.is_multiple_of(3) {
            // The first quote was noted wrongly, and somebody notices a month later: the two clocks part.
            let (true_at, noticed) = (at + TimeDelta::hours(1), at + TimeDelta::days(25 + i64::from(number % 20)));
            let put_right = deal::Command::ChangeAmount {
                amount: Some(Money { amount_minor: amount.amount_minor * 9 / 10, ..amount }),
            };
            self.correct::<Deal>(key, true_at, noticed, put_right, Some("the quote in the file says less"));
        }
        for stage in ["Discovery", "Proposal", "Negotiation"] {
            at += TimeDelta::days(i64::from(2 + self.chance.below(18)));
            let change = deal::Command::ChangeStage { stage: StageId(id("stage", stage)) };
            self.tell::<Deal>(key, at, at, change);
            if self.chance.below(4) == 0 {
                at += TimeDelta::hours(3);
                let close_on = at.date_naive().checked_add_signed(TimeDelta::weeks(6));
                self.tell::<Deal>(key, at, at, deal::Command::MoveCloseDate { close_on });
            }
            if self.chance.below(6) == 0 {
                return self.close(key, number, at, amount);
            }
        }
        self.close(key, number, at, amount);
    }

    /// Won, lost, left without a decision, or still open; one win in twelve is told late.
    fn close(&mut self, key: Uuid, number: u32, last: Instant, amount: Money) {
        let at = last + TimeDelta::days(i64::from(3 + self.chance.below(20)));
        let amount_minor = amount.amount_minor * i64::from(80 + self.chance.below(30)) / 100;
        match self.chance.below(20) {
            0..=9 => {
                let amount = Some(Money { amount_minor, ..amount });
                let win = deal::Command::Win { amount, closed_on: None, stage: None };
                if number.is_multiple_of(12) {
                    let late = at + TimeDelta::days(9);
                    self.correct::<Deal>(key, at, late, win, Some("the signed order was found in a drawer"));
                } else {
                    self.tell::<Deal>(key, at, at, win);
                }
            }
            10..=15 => {
                let reason = Some(text(self.chance.one_of::<&str>(LOST)));
                let lose =
                    deal::Command::Lose { reason, competitor: None, closed_on: None, stage: None, assumed: vec![] };
                self.tell::<Deal>(key, at, at, lose);
            }
            16 => {
                let none = deal::Command::CloseWithoutDecision { reason: None, closed_on: None, stage: None };
                self.tell::<Deal>(key, at, at, none);
            }
            _ => {
                let next_step = Some(text("call the buyer"));
                let due_on = self.today.date_naive().checked_add_days(Days::new(7));
                self.tell::<Deal>(key, at, at, deal::Command::SetNextStep { next_step, due_on });
            }
        }
    }
}

fn morning(day: NaiveDate) -> Instant {
    day.and_hms_opt(9, 0, 0).unwrap_or_default().and_utc()
}
