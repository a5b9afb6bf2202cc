//! Which destination a name chooses: exact, else the longest suffix, else the default.
//!
//! The router matches names that it built itself from the configuration; it never splits a name
//! from the wire into service and data centre.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::name::{NameError, NamePattern, ServerName, Suffix};

/// What a route leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteKind {
    /// A service of this data centre, by its exact names.
    Service,
    /// A service of another data centre, by its exact names: its gateways, or else the service of
    /// that name here, which adopted them.
    Adoption,
    /// The gateways of another data centre, by a suffix.
    Datacenter,
}

impl RouteKind {
    /// Every kind, in order.
    pub const ALL: [Self; 3] = [Self::Service, Self::Adoption, Self::Datacenter];

    /// The kind in one word, as logs and metrics have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Adoption => "adoption",
            Self::Datacenter => "datacenter",
        }
    }
}

/// The routes of one configuration; `T` is what a route leads to.
#[derive(Debug)]
pub struct Routes<T> {
    exact: HashMap<Box<str>, Arc<T>>,
    suffixes: HashMap<Box<str>, Suffixed<T>>,
    default: Option<Default<T>>,
}

/// What a suffix stands for.
#[derive(Debug)]
enum Suffixed<T> {
    /// The gateways of another data centre.
    Elsewhere(Arc<T>),
    /// This data centre: a name here that no service has is unknown, and never the default's.
    Here,
}

#[derive(Debug)]
struct Default<T> {
    target: Arc<T>,
    without_name: bool,
}

/// Why a hello has no route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RouteError {
    /// No route matches the name.
    #[error("unknown name")]
    Unknown,
    /// The hello has no name.
    #[error("no name in the hello")]
    Absent,
    /// The name is not one that a host can have.
    #[error("malformed name: {0}")]
    Malformed(#[from] NameError),
}

impl RouteError {
    /// Every value of [`RouteError::reason`].
    pub const REASONS: [&'static str; 3] = ["unknown_name", "absent_name", "malformed_name"];

    /// A stable label for metrics and logs.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown_name",
            Self::Absent => "absent_name",
            Self::Malformed(_) => "malformed_name",
        }
    }
}

/// Two destinations claim one name, or one suffix.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} would lead to two destinations: change a name, or name_patterns")]
pub struct Conflict(pub String);

/// Why the routes of a configuration cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BuildError {
    /// Two destinations claim one name.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// A pattern and a name together give no server name.
    #[error("{pattern} gives no server name for {of}: {source}")]
    Name {
        /// The pattern.
        pattern: String,
        /// The service or the data centre.
        of: String,
        /// What is wrong.
        source: NameError,
    },
}

impl<T> Routes<T> {
    /// No routes yet, in the data centre `here`, for names of these forms.
    pub fn builder<'a>(here: &'a str, patterns: &'a [NamePattern]) -> Builder<'a, T> {
        let routes = Self {
            exact: HashMap::new(),
            suffixes: HashMap::new(),
            default: None,
        };
        Builder {
            here,
            patterns,
            routes,
        }
    }

    /// The destination for a hello's server name, given as sent.
    ///
    /// # Errors
    ///
    /// [`RouteError`]: the hello is to be refused.
    pub fn find(&self, name: Option<&[u8]>) -> Result<&Arc<T>, RouteError> {
        self.find_by(name).map(|(_, target)| target)
    }

    /// [`find`](Self::find), and the kind of rule that chose the destination.
    ///
    /// # Errors
    ///
    /// [`RouteError`]: the hello is to be refused.
    pub fn find_by(&self, name: Option<&[u8]>) -> Result<(RuleKind, &Arc<T>), RouteError> {
        let Some(name) = name else {
            let default = self.without_name().map(|to| (RuleKind::Default, to));
            return default.ok_or(RouteError::Absent);
        };
        let name = ServerName::parse(name)?;
        self.resolve(&name).ok_or(RouteError::Unknown)
    }

    fn without_name(&self) -> Option<&Arc<T>> {
        let default = self.default.as_ref()?;
        default.without_name.then_some(&default.target)
    }

    fn resolve(&self, name: &ServerName) -> Option<(RuleKind, &Arc<T>)> {
        if let Some(target) = self.exact.get(name.as_str()) {
            return Some((RuleKind::Exact, target));
        }
        match self.longest_suffix(name) {
            Some((_, Suffixed::Elsewhere(target))) => Some((RuleKind::Suffix, target)),
            Some((_, Suffixed::Here)) => None,
            None => {
                let default = self.default.as_ref()?;
                Some((RuleKind::Default, &default.target))
            }
        }
    }

    fn longest_suffix<'n>(&self, name: &'n ServerName) -> Option<(&'n str, &Suffixed<T>)> {
        let name = name.as_str();
        let mut dots = name.match_indices('.');
        dots.find_map(|(dot, _)| Some((&name[dot..], self.suffixes.get(&name[dot..])?)))
    }

    /// How a well-formed name is looked up, rule by rule: what each of them says of it.
    #[must_use]
    pub fn trace<'n>(&self, name: &'n ServerName) -> Trace<'_, 'n, T> {
        let suffix = self.longest_suffix(name).map(|(suffix, what)| {
            let elsewhere = match what {
                Suffixed::Elsewhere(target) => Some(target),
                Suffixed::Here => None,
            };
            (suffix, elsewhere)
        });
        Trace {
            exact: self.exact.get(name.as_str()),
            suffix,
            default: self.default.as_ref().map(|default| &default.target),
        }
    }

    /// Where hellos go that no other rule takes, and whether those without a name do as well.
    #[must_use]
    pub fn fallback(&self) -> Option<(&Arc<T>, bool)> {
        let default = self.default.as_ref()?;
        Some((&default.target, default.without_name))
    }

    /// Every destination once, in no order.
    pub fn destinations(&self) -> impl Iterator<Item = &Arc<T>> {
        let mut seen = HashSet::new();
        let targets = self.rules().map(|(_, to)| to);
        targets.filter(move |to| seen.insert(Arc::as_ptr(to)))
    }

    /// Every rule with its destination: exact names, then suffixes, then the default.
    pub fn rules(&self) -> impl Iterator<Item = (Rule<'_>, &Arc<T>)> {
        let exact = self.exact.iter().map(|(name, to)| (Rule::Exact(name), to));
        let suffixes = self.suffixes.iter().filter_map(|(suffix, to)| match to {
            Suffixed::Elsewhere(to) => Some((Rule::Suffix(suffix), to)),
            Suffixed::Here => None,
        });
        let default = self.default.iter().map(|default| {
            let without_name = default.without_name;
            (Rule::Default { without_name }, &default.target)
        });
        exact.chain(suffixes).chain(default)
    }
}

/// What each rule says of a name; the first that has a destination is the one that counts.
#[derive(Debug)]
pub struct Trace<'r, 'n, T> {
    /// Whose exact name it is.
    pub exact: Option<&'r Arc<T>>,
    /// The longest suffix that it has, and whose: none is this data centre's own, where what no
    /// service has is unknown.
    pub suffix: Option<(&'n str, Option<&'r Arc<T>>)>,
    /// Where names outside of the configured data centres go.
    pub default: Option<&'r Arc<T>>,
}

/// The kinds of rules, in the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// The whole name.
    Exact,
    /// What it ends with.
    Suffix,
    /// No other rule.
    Default,
}

impl RuleKind {
    /// The kind in one word, as `/routes` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Suffix => "suffix",
            Self::Default => "default",
        }
    }
}

/// What a name must be for a route to take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule<'a> {
    /// Just this name.
    Exact(&'a str),
    /// Any name that ends so; the suffix begins with a dot.
    Suffix(&'a str),
    /// Any well-formed name outside the configured data centres.
    Default {
        /// Hellos without a name as well.
        without_name: bool,
    },
}

impl Rule<'_> {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> RuleKind {
        match self {
            Self::Exact(_) => RuleKind::Exact,
            Self::Suffix(_) => RuleKind::Suffix,
            Self::Default { .. } => RuleKind::Default,
        }
    }
}

impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Suffix(suffix) => write!(f, "*{suffix}"),
            Self::Default {
                without_name: false,
            } => f.write_str("(any other name)"),
            Self::Default { without_name: true } => f.write_str("(any other name, or none)"),
        }
    }
}

/// Collects the routes of a configuration.
#[derive(Debug)]
pub struct Builder<'a, T> {
    here: &'a str,
    patterns: &'a [NamePattern],
    routes: Routes<T>,
}

impl<T> Builder<'_, T> {
    /// Adds a service of this data centre, by a name of each form.
    ///
    /// # Errors
    ///
    /// [`BuildError`]; the builder is of no use afterwards.
    pub fn service(&mut self, service: &str, target: &Arc<T>) -> Result<(), BuildError> {
        self.service_of(service, self.here, target)
    }

    /// Adds a service by the names that it has in another data centre.
    ///
    /// # Errors
    ///
    /// [`BuildError`]; the builder is of no use afterwards.
    pub fn service_of(
        &mut self,
        service: &str,
        datacenter: &str,
        target: &Arc<T>,
    ) -> Result<(), BuildError> {
        for pattern in self.patterns {
            let name = pattern.name(service, datacenter);
            let name = name.map_err(|source| wrong(pattern, service, source))?;
            let taken = self
                .routes
                .exact
                .insert(name.as_str().into(), Arc::clone(target));
            if taken.is_some_and(|taken| !Arc::ptr_eq(&taken, target)) {
                return Err(Conflict(name.to_string()).into());
            }
        }
        Ok(())
    }

    /// Adds another data centre, by a suffix of each form.
    ///
    /// # Errors
    ///
    /// [`BuildError`]; the builder is of no use afterwards.
    pub fn datacenter(&mut self, datacenter: &str, target: &Arc<T>) -> Result<(), BuildError> {
        for pattern in self.patterns {
            let suffix = suffix(pattern, datacenter)?;
            let elsewhere = Suffixed::Elsewhere(Arc::clone(target));
            match self
                .routes
                .suffixes
                .insert(suffix.as_str().into(), elsewhere)
            {
                Some(Suffixed::Elsewhere(taken)) if Arc::ptr_eq(&taken, target) => {}
                Some(_) => return Err(Conflict(format!("*{suffix}")).into()),
                None => {}
            }
        }
        Ok(())
    }

    /// Names outside the configured data centres go to `target`; with `without_name`, hellos
    /// without a name as well.
    pub fn default(&mut self, target: &Arc<T>, without_name: bool) {
        self.routes.default = Some(Default {
            target: Arc::clone(target),
            without_name,
        });
    }

    /// The routes.
    ///
    /// # Errors
    ///
    /// [`BuildError`] where this data centre's own suffix is another's.
    pub fn build(mut self) -> Result<Routes<T>, BuildError> {
        for pattern in self.patterns {
            let suffix = suffix(pattern, self.here)?;
            let taken = self
                .routes
                .suffixes
                .insert(suffix.as_str().into(), Suffixed::Here);
            if let Some(Suffixed::Elsewhere(_)) = taken {
                return Err(Conflict(format!("*{suffix}")).into());
            }
        }
        Ok(self.routes)
    }
}

fn suffix(pattern: &NamePattern, datacenter: &str) -> Result<Suffix, BuildError> {
    let suffix = pattern.suffix(datacenter);
    suffix.map_err(|source| wrong(pattern, datacenter, source))
}

fn wrong(pattern: &NamePattern, of: &str, source: NameError) -> BuildError {
    BuildError::Name {
        pattern: pattern.to_string(),
        of: of.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
