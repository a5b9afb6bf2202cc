//! A table of the file, asked key by key.

use super::homonym::Homonym;
use super::kinds::{Kind, Shown};
use super::nearest::did_you_mean;
use super::node::{Node, Spot};
use super::schema::{Key, Need};
use super::source::Source;
use std::borrow::Cow;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Room for the keys that are asked of most tables: those of a service are a few less.
const KEYS: usize = 32;

/// A table of the file, or the absence of one.
///
/// A key that is wrong is reported and then treated as absent, so that reading goes on and finds
/// the other mistakes too; the file as a whole is refused all the same.
pub struct Table<'a> {
    source: &'a Source<'a>,
    entries: Option<&'a DeTable<'a>>,
    spot: Arc<Spot>,
    asked: Vec<&'static str>,
    homonym: Option<&'a Homonym<'a>>,
}

impl<'a> Table<'a> {
    pub(super) fn of(source: &'a Source<'a>, entries: &'a DeTable<'a>, spot: Spot) -> Self {
        Self {
            entries: Some(entries),
            asked: Vec::with_capacity(KEYS),
            ..Self::phantom(source, spot)
        }
    }

    /// A table that the file does not have: every key of it is absent.
    pub(super) fn phantom(source: &'a Source<'a>, spot: Spot) -> Self {
        Self {
            source,
            entries: None,
            spot: Arc::new(spot),
            asked: Vec::new(),
            homonym: None,
        }
    }

    /// The same table, with a word that is a value besides being tables.
    pub(super) fn with_homonym(self, homonym: &'a Homonym<'a>) -> Self {
        Self {
            homonym: Some(homonym),
            ..self
        }
    }

    /// The value of a key that must be there; none if it is not, or is wrong.
    pub fn required<K: Kind>(&mut self, key: &'static str, kind: K) -> Option<K::Value> {
        self.record(key, &kind, || Need::Required);
        let Some(node) = self.value(key) else {
            self.missing(
                key,
                &format!("{} is required here and missing", kind.wanted()),
            );
            return None;
        };
        kind.read(&node)
    }

    /// The value of a key that goes by either of two names, one of which must be there, and which
    /// the schema knows by the first.
    pub fn required_as<K: Kind>(
        &mut self,
        [key, alias]: [&'static str; 2],
        kind: K,
    ) -> Option<K::Value> {
        // Both were asked for: neither is unknown, and either may be what was mistyped.
        self.asked.extend([key, alias]);
        if self.has(alias) && !self.has(key) {
            return self.value(alias).and_then(|node| kind.read(&node));
        }
        if self.has(alias) {
            let message = format!("this is {key} by another name; give one of them");
            self.report(alias, message);
        }
        self.required(key, kind)
    }

    /// The value of a key that may be left out; `absence` says in words what that means.
    pub fn optional<K: Kind>(
        &mut self,
        key: &'static str,
        kind: K,
        absence: &'static str,
    ) -> Option<K::Value> {
        self.record(key, &kind, || Need::Optional(absence));
        self.value(key).and_then(|node| kind.read(&node))
    }

    /// The value of a key, or `default` if the file leaves it out.
    pub fn with_default<K: Shown>(
        &mut self,
        key: &'static str,
        kind: K,
        default: K::Value,
    ) -> K::Value {
        self.record(key, &kind, || Need::Default(kind.show(&default)));
        let node = self.value(key);
        if node.is_none() {
            self.note_default(key, || kind.show(&default));
        }
        let value = node.and_then(|node| kind.read(&node));
        value.unwrap_or(default)
    }

    /// Notes what holds of a key that the file leaves out, where the default is not the same for all.
    pub(super) fn holds(&self, key: &'static str, shown: impl FnOnce() -> String) {
        if !self.has(key) {
            self.note_default(key, shown);
        }
    }

    fn note_default(&self, key: &'static str, shown: impl FnOnce() -> String) {
        self.source
            .note(|effective| effective.default(&self.spot_of(key).path(), &shown()));
    }

    /// Notes what holds of the table at `key` beside what the file says there: what `build` asks for.
    pub(super) fn holds_of<T>(&self, key: &'static str, build: impl FnOnce(&mut Table<'a>) -> T) {
        if self.source.is_noting() {
            build(&mut Table::phantom(self.source, self.spot_of(key)));
        }
    }

    /// Whether the file leaves `within` out of the table at `key`, or the whole of that.
    pub(super) fn leaves_out(&self, key: &str, within: &str) -> bool {
        let is_without = |value: &DeValue<'_>| {
            let table = value.as_table();
            table.is_some_and(|table| !table.contains_key(within))
        };
        self.get(key).is_none_or(is_without)
    }

    /// Reads the table at `key`; if the file has none, every key of it has its default.
    pub fn table<T>(&mut self, key: &'static str, build: impl FnOnce(&mut Table<'a>) -> T) -> T {
        let node = self.node(key);
        let table = node.and_then(|node| node.open(&format!("a table, [{key}]")));
        let mut table = table.unwrap_or_else(|| Table::phantom(self.source, self.spot_of(key)));
        let built = build(&mut table);
        table.finish();
        built
    }

    /// Reads the table at `key`, if the file has one.
    pub fn optional_table<T>(
        &mut self,
        key: &'static str,
        build: impl FnOnce(&mut Table<'a>) -> Option<T>,
    ) -> Option<T> {
        match self.node(key) {
            Some(node) => node.table(&format!("a table, [{key}]"), build).flatten(),
            None => self.explore(key, build),
        }
    }

    /// Reads each of the tables `[[key]]`, of which there may be none.
    pub fn tables<T>(
        &mut self,
        key: &'static str,
        mut build: impl FnMut(&mut Table<'a>) -> Option<T>,
    ) -> Vec<T> {
        let wanted = format!("tables, each under its own [[{key}]]");
        let Some(node) = self.node(key) else {
            return self.explore(key, build).into_iter().collect();
        };
        let elements = node.elements(|| wanted.clone()).unwrap_or_default();
        // Room for all at once: they are many, or large.
        let mut all = Vec::with_capacity(elements.len());
        let built = |node: Node<'a>| node.table(&wanted, &mut build).flatten();
        all.extend(elements.into_iter().filter_map(built));
        all
    }

    /// Reads the one table `[key]` or each of the tables `[[key]]`; a mistake if there is none.
    ///
    /// `build` is told the number of the table, from 1, if there are several.
    pub fn one_or_more<T>(
        &mut self,
        key: &'static str,
        mut build: impl FnMut(&mut Table<'a>, Option<usize>) -> Option<T>,
    ) -> Vec<T> {
        if self.get(key).is_some_and(|value| !value.is_array()) {
            return self
                .optional_table(key, |table| build(table, None))
                .into_iter()
                .collect();
        }
        if self.get(key).is_none() {
            self.missing(key, &format!("a table [{key}] is required and missing"));
        }
        let several = self.count(key) > 1;
        let mut count = 0;
        self.tables(key, |table| {
            count += 1;
            build(table, several.then_some(count))
        })
    }

    /// Whether the file says anything at `key`.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// How many tables or values the list at `key` has; none if there is no list.
    pub fn count(&self, key: &str) -> usize {
        self.get(key)
            .and_then(DeValue::as_array)
            .map_or(0, |list| list.len())
    }

    /// Notes a mistake at `key`, unless that key is known to be wrong already.
    pub fn report(&self, key: &str, message: impl Into<String>) {
        self.source
            .report(&self.spot_of(key.to_owned()), message.into());
    }

    /// Notes a mistake of the table as a whole.
    pub fn report_here(&self, message: impl Into<String>) {
        if self.source.absence_counts() {
            self.source.report(&self.spot, message.into());
        }
    }

    /// Notes a mistake at `greater` unless its value is at least that of `less`.
    ///
    /// Nothing is said if either of them is wrong in itself.
    pub fn at_least<K: Shown>(
        &self,
        (greater, value): (&str, &K::Value),
        (less, bound): (&str, &K::Value),
        kind: K,
    ) where
        K::Value: PartialOrd,
    {
        if value < bound && self.sound(less) {
            let (value, bound) = (kind.show(value), kind.show(bound));
            let message = format!("{value} is less than {less}, {bound}; raise it or lower {less}");
            self.report(greater, message);
        }
    }

    /// Whether nothing is wrong so far with the value at `key`.
    pub fn sound(&self, key: &str) -> bool {
        self.source.sound(&self.spot_of(key.to_owned()))
    }

    /// Where `key` stands, for who may have to say so later.
    pub fn spot(&self, key: &'static str) -> Spot {
        self.spot_of(key)
    }

    /// Where `spot`, which may be of another table of the same file, stands, in words: `on line 12`.
    pub fn place(&self, spot: &Spot) -> String {
        self.source.place(spot)
    }

    /// Notes a mistake at `spot`, which may be of another table of the same file.
    pub fn report_at(&self, spot: &Spot, message: impl Into<String>) {
        self.source.report(spot, message.into());
    }

    /// Which value stands at `spot`, and where: `service[0].endpoints[1], on line 12`.
    pub fn name_of(&self, spot: &Spot) -> String {
        let place = self.source.place(spot);
        match self.source.flag(spot) {
            Some(_) => place,
            None => format!("{}, {place}", spot.path()),
        }
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(self) {
        let Some(entries) = self.entries.filter(|_| self.source.absence_counts()) else {
            return;
        };
        for key in entries.keys() {
            let word: &str = key.get_ref();
            if !self.asked.contains(&word) {
                let spot = self.spot.key(word.to_owned(), Some(key.span().start));
                let hint = did_you_mean(word, self.asked.iter().copied());
                self.source
                    .report(&spot, format!("there is no such key{hint}"));
            }
        }
    }

    fn missing(&self, key: &str, message: &str) {
        if self.source.absence_counts() {
            self.report(key, message);
        }
    }

    fn get(&self, key: &str) -> Option<&'a DeValue<'a>> {
        self.entries?.get(key).map(|value| value.get_ref())
    }

    fn node(&mut self, key: &'static str) -> Option<Node<'a>> {
        self.asked.push(key);
        let value = self.entries?.get(key).filter(stands)?;
        let spot = self.spot.key(key, Some(value.span().start));
        Some(Node::new(self.source, value, spot))
    }

    /// The value that stands at `key`, apart from tables of that name.
    fn value(&mut self, key: &'static str) -> Option<Node<'a>> {
        let node = self.found(key)?;
        self.source
            .note(|effective| effective.given(&node.spot.path(), node.value));
        Some(node)
    }

    fn found(&mut self, key: &'static str) -> Option<Node<'a>> {
        let Some(homonym) = self.homonym.filter(|homonym| homonym.word == key) else {
            return self.node(key);
        };
        let value = homonym.value.as_ref().filter(stands)?;
        let spot = self.spot.key(key, Some(value.span().start));
        Some(Node::new(self.source, value, spot))
    }

    fn spot_of(&self, key: impl Into<Cow<'static, str>>) -> Spot {
        let key = key.into();
        let value = self.entries.and_then(|entries| entries.get(&*key));
        self.spot.key(key, value.map(|value| value.span().start))
    }

    fn record<K: Kind>(&self, key: &'static str, kind: &K, need: impl FnOnce() -> Need) {
        if !self.source.recording() {
            return;
        }
        let spot = self.spot_of(key);
        self.source.record(|| Key {
            path: spot.path(),
            need: need(),
            range: kind.range(),
        });
        kind.explore(&mut Table::phantom(self.source, spot));
    }

    /// Runs `build` for the schema only: the table it describes is not there.
    fn explore<T>(
        &self,
        key: &'static str,
        build: impl FnOnce(&mut Table<'a>) -> Option<T>,
    ) -> Option<T> {
        if self.source.recording() {
            build(&mut Table::phantom(self.source, self.spot_of(key)));
        }
        None
    }
}

/// Whether a value is in the text, not merely what the parser puts where it is missing.
fn stands(value: &&Spanned<DeValue<'_>>) -> bool {
    value.span().end > 0
}
