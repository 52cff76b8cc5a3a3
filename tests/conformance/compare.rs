//! How two modules are compared: a scenario notes what it saw, under labels; the notes of SoftHSM and
//! of ours must agree, but for the differences that the test names.

use std::cell::RefCell;
use std::fmt::Debug;
use std::fs;
use std::thread;

use cryptoki_sys::*;

use crate::support::module::Module;
use crate::support::process::alone;
use crate::support::session::Session;
use crate::support::softhsm;
use crate::support::token::Token;

/// One module's run of a scenario.
pub(crate) struct Run {
    pub(crate) token: Token,
    notes: RefCell<Vec<(String, String)>>,
}

/// A label, what SoftHSM notes there, and what we do.
pub(crate) type Difference = (&'static str, &'static str, &'static str);

impl Run {
    fn of(module: Module) -> Self {
        Self {
            token: Token::fresh(module),
            notes: RefCell::default(),
        }
    }

    /// Notes what is to be compared.
    pub(crate) fn note(&self, label: &str, what: impl Debug) {
        let mut notes = self.notes.borrow_mut();
        assert!(!notes.iter().any(|(l, _)| l == label), "{label} twice");
        notes.push((label.to_owned(), format!("{what:?}")));
    }

    /// A public read/write session.
    pub(crate) fn session(&self) -> Session<'_> {
        self.token.session()
    }

    /// A read/write session with the user logged in.
    pub(crate) fn user(&self) -> Session<'_> {
        self.token.user()
    }

    pub(crate) fn slot(&self) -> CK_SLOT_ID {
        self.token.slot
    }

    pub(crate) fn module(&self) -> &Module {
        &self.token.module
    }
}

/// Both answer alike.
pub(crate) fn same(scenario: impl Fn(&Run)) {
    differs(&[], scenario);
}

/// Both answer alike but for `differences`, each of which must be seen.
pub(crate) fn differs(differences: &[Difference], scenario: impl Fn(&Run)) {
    alone(|_| {
        if !differences.is_empty() {
            is_documented();
        }
        let Some(theirs) = softhsm().map(|module| noted(module, &scenario)) else {
            return;
        };
        for (label, soft, _) in differences {
            let found = theirs.iter().find(|(l, _)| l == label);
            let found = found.map(|(_, note)| note.as_str());
            assert_eq!(found, Some(*soft), "SoftHSM at {label:?}");
        }
        let ours = noted(Module::ours(), &scenario);
        let faults = unlike(&expected(theirs, differences), &ours);
        assert!(faults.is_empty(), "not as expected:\n{}", faults.join("\n"));
    });
}

fn noted(module: Module, scenario: impl Fn(&Run)) -> Vec<(String, String)> {
    let run = Run::of(module);
    scenario(&run);
    run.module().finalize().unwrap();
    let notes = run.notes.into_inner();
    for (label, note) in &notes {
        println!("{label}: {note}");
    }
    notes
}

fn expected(theirs: Vec<(String, String)>, differences: &[Difference]) -> Vec<(String, String)> {
    let change = |(label, note): (String, String)| {
        let difference = differences.iter().find(|(l, _, _)| *l == label);
        let note = difference.map_or(note, |(_, _, ours)| (*ours).to_owned());
        (label, note)
    };
    theirs.into_iter().map(change).collect()
}

fn unlike(expected: &[(String, String)], ours: &[(String, String)]) -> Vec<String> {
    let labels = |notes: &[(String, String)]| -> Vec<String> {
        notes.iter().map(|(label, _)| label.clone()).collect()
    };
    assert_eq!(
        labels(expected),
        labels(ours),
        "the scenario took another way"
    );
    let pairs = expected.iter().zip(ours);
    pairs
        .filter(|(expected, ours)| expected != ours)
        .map(|((label, expected), (_, ours))| format!("{label}: ours {ours}, expected {expected}"))
        .collect()
}

/// A test that names a difference has its line in the document.
fn is_documented() {
    let name = thread::current().name().unwrap().to_owned();
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/conformance.md"));
    let named = page.unwrap().contains(&format!("`{name}`"));
    assert!(named, "docs/conformance.md has no line that names `{name}`");
}

/// Two tokens at once: SoftHSM's first, ours second.
pub(crate) fn both(scenario: impl Fn(&Run, &Run)) {
    alone(|_| {
        let Some(soft) = softhsm() else {
            return;
        };
        scenario(&Run::of(soft), &Run::of(Module::ours()));
    });
}
