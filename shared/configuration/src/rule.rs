//! Rules as the file writes them.

use mapping::{Branch, Rule};
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use crate::keys::{ALL_RULES, Asks, Kind};
use crate::near::near;
use crate::problem::Problem;
use crate::tree::Reader;
use crate::values::{Decided, Placed, Value};
use crate::words::{kind_of, listed, plain};

type Item<'a> = Spanned<DeValue<'a>>;

/// What nobody can follow any more is no rule.
const DEEPEST: usize = 4;
const MOST: usize = 100;

const LONGEST_NAME: usize = 80;

const PARTS: [&str; 4] = ["name", "when", "then", "otherwise"];

impl Reader<'_, '_> {
    pub fn rules(&mut self, items: &DeArray, asks: &'static Asks, depth: usize) -> Vec<Rule<Decided>> {
        let mut rules: Vec<Rule<Decided>> = Vec::new();
        if items.len() > MOST {
            let at = items.get(MOST).map_or(0..0, Spanned::span);
            self.wrong("too_many", at, format!("There are more than {MOST} rules here: write fewer."));
        }
        for item in items.iter().take(MOST) {
            let DeValue::Table(table) = item.get_ref() else {
                let message =
                    format!("A rule is a table with name, when and then, and this is {}.", kind_of(item.get_ref()));
                self.wrong("wrong_type", item.span(), message);
                continue;
            };
            let Some(rule) = self.rule(table, item, asks, depth) else { continue };
            if let Some(twin) = rules.iter().find(|other| other.name == rule.name) {
                let message = format!("There is a rule {:?} before this one: give it another name.", twin.name);
                self.wrong("twice", place(table, "name", item), message);
            }
            let ends = |branch: &Branch<Decided>| branch.decisions.iter().any(|one| asks.ends.contains(&one.key));
            if let Some(before) = rules.iter().find(|before| ends(&before.then) && rule.when.implies(&before.when)) {
                let is_whole = rule.otherwise.decisions.is_empty() && rule.otherwise.rules.is_empty();
                let part = if is_whole { "here" } else { "to its then" };
                let message = format!("Nothing comes {part}: the rule {:?} ends what this asks for.", before.name);
                self.values.judged.push(Problem::new("unreachable", place(table, "when", item), message));
            }
            rules.push(rule);
        }
        rules
    }

    fn rule(&mut self, table: &DeTable, whole: &Item, asks: &'static Asks, depth: usize) -> Option<Rule<Decided>> {
        let first = self.asks_of_lines.len();
        let unknown: Vec<_> = table.iter().filter(|(name, _)| !PARTS.contains(&name.get_ref().as_ref())).collect();
        for (name, _) in &unknown {
            self.unknown_part(name, asks);
        }
        let name = match table.get("name").map(|item| (item, item.get_ref())) {
            Some((item, DeValue::String(text))) => match plain("A rule's name", text, LONGEST_NAME) {
                Ok(text) if !text.is_empty() => Some(text),
                Ok(_) => self.none("empty", item, "A rule's name is empty: people are told by it what decided."),
                Err((code, message)) => self.none(code, item, message),
            },
            Some((item, other)) => {
                self.none("wrong_type", item, format!("A rule's name is a text, and this is {}.", kind_of(other)))
            }
            None => self.none("no_name", whole, "This rule has no name: people are told by it what decided."),
        };
        let told = name.clone().unwrap_or_default();
        let rule = name.as_ref().map_or_else(|| "This rule".to_owned(), |name| format!("The rule {name:?}"));
        let when = match table.get("when").map(|item| (item, item.get_ref())) {
            Some((item, DeValue::String(text))) if text.trim().is_empty() => {
                self.none("empty", item, format!("{rule} asks nothing: its when is empty."))
            }
            Some((item, DeValue::String(text))) => {
                self.expression(&format!("when of the rule {told:?}"), text, asks.of, &rules::Type::Boolean, item)
            }
            Some((item, other)) => {
                let message = format!("A rule's when is an expression in quotes, and this is {}.", kind_of(other));
                self.none("wrong_type", item, message)
            }
            // What is called otherwise was told already.
            None if !unknown.is_empty() => None,
            None => self.none("no_condition", whole, format!("{rule} asks nothing: give it a when.")),
        };
        let found = self.problems.len();
        let then = self.branch(table, "then", &told, asks, depth);
        let otherwise = self.branch(table, "otherwise", &told, asks, depth);
        let is_empty = |branch: &Branch<Decided>| branch.decisions.is_empty() && branch.rules.is_empty();
        if self.problems.len() == found && unknown.is_empty() && is_empty(&then) && is_empty(&otherwise) {
            let message = match table.get("then").or(table.get("otherwise")) {
                Some(_) => format!("{rule} decides nothing: write into its then what it decides."),
                None => format!("{rule} decides nothing: give it a then."),
            };
            self.wrong("decides_nothing", place(table, "then", whole), message);
        }
        let (name, when) = name.zip(when)?;
        let rule = Rule { name, when, then, otherwise };
        // The one around all others is asked whole.
        let discounts = rule.decisions().iter().any(|decided| decided.key == "discount_percent");
        if discounts && depth == 0 {
            for at in self.asks_of_lines.split_off(first) {
                let message = format!(
                    "The rule {:?} gives a discount, so nothing in it can ask of lines: invoices are compared with amounts \
                     without reading them.",
                    rule.name
                );
                self.wrong("discount_by_lines", at, message);
            }
        }
        Some(rule)
    }

    fn branch(&mut self, rule: &DeTable, part: &str, of: &str, asks: &'static Asks, depth: usize) -> Branch<Decided> {
        let mut branch = Branch::default();
        let Some(item) = rule.get(part) else { return branch };
        let DeValue::Table(table) = item.get_ref() else {
            let message = format!(
                "{part} of the rule {of:?} is a table of what it decides, and this is {}.",
                kind_of(item.get_ref())
            );
            self.wrong("wrong_type", item.span(), message);
            return branch;
        };
        for (name, item) in table {
            match (name.get_ref().as_ref(), item.get_ref()) {
                ("rules", DeValue::Array(_)) if depth + 1 >= DEEPEST => {
                    let message = format!("Rules stand at most {DEEPEST} deep: write this one as a rule of its own.");
                    self.wrong("too_deep", name.span(), message);
                }
                ("rules", DeValue::Array(items)) => branch.rules = self.rules(items, asks, depth + 1),
                ("rules", other) => {
                    let message = format!(
                        "rules in {part} is a list of rules, and this is {}: write [[…{part}.rules]], or rules = [{{ … }}].",
                        kind_of(other)
                    );
                    self.wrong("wrong_type", name.span(), message);
                }
                (decided, _) => branch.decisions.extend(self.decision(decided, name, item, (part, of), asks)),
            }
        }
        let ends: Vec<_> = asks.ends.iter().copied().filter(|end| table.contains_key(*end)).collect();
        if ends.len() == 2 || !ends.is_empty() && table.len() > 1 {
            let message = format!(
                "{part} of the rule {of:?} ends with {}: nothing else can stand beside it.",
                ends.join(" and ")
            );
            self.wrong("unreachable", item.span(), message);
        }
        branch
    }

    fn decision(
        &mut self,
        decided: &str,
        name: &Spanned<DeString>,
        item: &Item,
        (part, of): (&str, &str),
        asks: &'static Asks,
    ) -> Option<Decided> {
        let Some(key) = asks.decisions.iter().find(|key| key.name == decided) else {
            let message = not_decided(decided, asks);
            self.wrong("unknown_key", name.span(), message);
            return None;
        };
        let name = format!("{part}.{decided} of the rule {of:?}");
        let value = self.value(&name, key, item)?;
        if let (("payments", "stage"), Value::Text(what)) = ((asks.section, key.name), &value) {
            self.values.paid_stages.push(Placed { name: name.clone(), what: what.clone(), at: item.span() });
        }
        match (key.kind, &value) {
            // It is for many to begin with.
            (Kind::Flag, Value::Flag(false)) => None,
            (Kind::Choices(_), Value::Texts(texts)) if texts.is_empty() => {
                self.none("empty", item, format!("{name} is an empty list: write skip, and why."))
            }
            _ => Some(Decided { key: key.name, value }),
        }
    }

    fn unknown_part(&mut self, name: &Spanned<DeString>, asks: &Asks) {
        let text = name.get_ref();
        let is_decision = asks.decisions.iter().any(|key| key.name == text.as_ref());
        let message = match near(text, PARTS) {
            _ if is_decision => format!("What a rule decides stands below then or otherwise: write then.{text}."),
            _ if text == "if" => "A rule has no if. Did you mean when?".to_owned(),
            _ if text == "else" => "A rule has no else. Did you mean otherwise?".to_owned(),
            Some(near) => format!("A rule has no {text}. Did you mean {near}?"),
            None => format!("A rule has no {text}: it has {}.", listed(PARTS)),
        };
        self.wrong("unknown_key", name.span(), message);
    }

    fn none<T>(&mut self, code: &'static str, item: &Item, message: impl Into<String>) -> Option<T> {
        self.wrong(code, item.span(), message);
        None
    }
}

/// What rules do not decide at all, or about something else.
fn not_decided(decided: &str, asks: &Asks) -> String {
    let names = || asks.decisions.iter().map(|key| key.name).chain(["rules"]);
    // "paid_stage" is called "stage" in a rule.
    let longer = || names().find(|name| decided.strip_suffix(name).is_some_and(|before| before.ends_with('_')));
    if let Some(near) = near(decided, names()).or_else(longer) {
        return format!("A rule does not decide {decided}. Did you mean {near}?");
    }
    let decides = |other: &&&Asks| other.decisions.iter().any(|key| key.name == decided);
    match ALL_RULES.iter().find(decides) {
        Some(other) => format!(
            "A rule about {} does not decide {decided}: it decides {}. Rules about {} do, [[{}.rules]].",
            asks.what,
            listed(names()),
            other.what,
            other.section
        ),
        None => format!("A rule does not decide {decided}: it decides {}.", listed(names())),
    }
}

/// Where a part of a rule stands, or the rule.
fn place(table: &DeTable, part: &str, whole: &Item) -> std::ops::Range<usize> {
    table.get(part).map_or_else(|| whole.span(), Spanned::span)
}
