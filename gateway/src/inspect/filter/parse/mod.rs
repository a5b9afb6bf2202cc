//! From words to an expression, by libpcap's grammar.
//!
//! `and` and `or` bind equally, from the left; `not` binds to what follows it. A value without its
//! qualifiers takes those of the primitive before it: `port 443 or 8443`.

mod address;
mod head;
mod operand;

use super::error::{FilterError, Problem};
use super::expression::Expression;
use super::words::{self, Kind, Token};
use head::Qualifiers;

/// Most primitives of a filter. Beyond that, no program for the kernel would fit either.
pub(super) const PRIMITIVES_MAX: usize = 1024;

/// Most parentheses within parentheses, so that hostile text cannot exhaust the stack.
pub(super) const NESTING_MAX: usize = 64;

/// Reads a filter; none where there are no words.
pub(super) fn parse(text: &str) -> Result<Option<Expression>, FilterError> {
    let tokens = words::split(text)?;
    if tokens.is_empty() {
        return Ok(None);
    }
    let mut parser = Parser {
        text,
        tokens,
        next: 0,
        primitives: 0,
        nesting: 0,
    };
    let (expression, _) = parser.expression(None)?;
    match parser.take() {
        None => Ok(Some(expression)),
        Some(rest) => Err(parser.stray(&rest)),
    }
}

/// An expression, and the qualifiers that a value after it takes.
type Carrying = (Expression, Option<Qualifiers>);

#[derive(Debug)]
struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
    next: usize,
    primitives: usize,
    nesting: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<Kind<'a>> {
        self.peek_after(0)
    }

    /// The kind of the word after so many.
    fn peek_after(&self, count: usize) -> Option<Kind<'a>> {
        self.tokens.get(self.next + count).map(|token| token.kind)
    }

    fn take(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.next).cloned();
        self.next += usize::from(token.is_some());
        token
    }

    /// Takes the next word if it is of this kind.
    fn take_if(&mut self, kind: Kind<'a>) -> bool {
        let is_so = self.peek() == Some(kind);
        self.next += usize::from(is_so);
        is_so
    }

    fn expression(&mut self, carried: Option<Qualifiers>) -> Result<Carrying, FilterError> {
        let (mut whole, mut carried) = self.term(carried)?;
        loop {
            let join = match self.peek() {
                Some(Kind::And) => Expression::and,
                Some(Kind::Or) => Expression::or,
                _ => return Ok((whole, carried)),
            };
            self.next += 1;
            let (part, after) = self.term(carried)?;
            whole = join(whole, part);
            carried = after;
        }
    }

    /// What stands between `and` and `or`.
    fn term(&mut self, carried: Option<Qualifiers>) -> Result<Carrying, FilterError> {
        let is_negated = self.negations();
        let (expression, carried) = match self.peek() {
            Some(Kind::Open) => self.parentheses(carried)?,
            _ => self.primitive(carried)?,
        };
        match is_negated {
            true => Ok((expression.negated(), carried)),
            false => Ok((expression, carried)),
        }
    }

    /// Whether an odd number of `not` stands here.
    fn negations(&mut self) -> bool {
        let mut is_negated = false;
        while self.take_if(Kind::Not) {
            is_negated = !is_negated;
        }
        is_negated
    }

    fn parentheses(&mut self, carried: Option<Qualifiers>) -> Result<Carrying, FilterError> {
        let opened = self.next;
        self.next += 1;
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return Err(self.wrong(opened, Problem::TooDeep(NESTING_MAX)));
        }
        if self.peek() == Some(Kind::Close) {
            return Err(self.wrong(opened, Problem::Empty));
        }
        let (expression, _) = self.expression(carried)?;
        if !self.take_if(Kind::Close) {
            return Err(match self.take() {
                Some(rest) => self.stray(&rest),
                None => self.wrong(opened, Problem::NotClosed),
            });
        }
        self.nesting -= 1;
        Ok((expression, carried))
    }

    /// Counts a primitive.
    fn count(&mut self) -> Result<(), FilterError> {
        self.primitives += 1;
        match self.primitives > PRIMITIVES_MAX {
            true => Err(self.wrong_before(Problem::TooLong(PRIMITIVES_MAX))),
            false => Ok(()),
        }
    }

    /// What is wrong with the word that was taken last.
    fn wrong_before(&self, problem: Problem) -> FilterError {
        self.wrong(self.next.saturating_sub(1), problem)
    }

    /// What is wrong with this word.
    fn wrong(&self, index: usize, problem: Problem) -> FilterError {
        let end = self.text.len()..self.text.len();
        let at = self.tokens.get(index).map_or(end, |token| token.at.clone());
        FilterError::new(self.text, at, problem)
    }

    /// What is missing after the word that was taken last.
    fn missing(&self, wanted: &'static str) -> FilterError {
        let after = self.next.checked_sub(1);
        let after = after.map_or("the beginning", |index| self.said(index));
        let after = format!("`{after}`");
        self.wrong(self.next, Problem::Missing { after, wanted })
    }

    /// A word as it was typed.
    fn said(&self, index: usize) -> &'a str {
        let token = self.tokens.get(index);
        token.map_or("", |token| &self.text[token.at.clone()])
    }

    /// A word where an expression had ended.
    fn stray(&self, token: &Token<'a>) -> FilterError {
        let said = self.text[token.at.clone()].to_owned();
        let problem = match token.kind {
            Kind::Close => Problem::NotOpened,
            Kind::Operator(_) => Problem::Arithmetic(said),
            _ => Problem::NoOperator(said),
        };
        FilterError::new(self.text, token.at.clone(), problem)
    }
}
