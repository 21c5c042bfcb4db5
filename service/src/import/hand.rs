//! Rows into changes: what each row makes, changes or brings back, or why a person has to look at it.

use std::collections::{BTreeSet, HashMap, HashSet};

use rapport_domain::{
    access::{Ability, Kind, Scope},
    customer::{CustomerKind, CustomerPatch, Field, FieldValue},
    id::CustomerId,
    import::{
        Draft, EXAMPLES_MAX, Example, ImportReport, Mapped, OnMatch, OnTrash, Outcome, Problem, ProblemKind,
        Rules,
    },
    journal::Op,
};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{
    ground::{Found, Ground, Key, Known},
    record::{self, Standing},
};
use crate::{
    Ctx, Result,
    journal::{Change, RecordKind},
};

/// Why a row needs a person.
type Snag = (ProblemKind, String);

/// What is to be done about one record of a row.
enum Step {
    /// A new one, of a company.
    Make(CustomerId, Option<CustomerId>),
    Keep(CustomerId),
    Change(CustomerId, CustomerPatch),
    /// Back from the trash, and changed.
    Restore(CustomerId, CustomerPatch),
    /// It lies in the trash and stays there.
    Leave,
}

impl Step {
    /// The record, if there is one in the end.
    fn id(&self) -> Option<CustomerId> {
        match self {
            Self::Make(id, _) | Self::Keep(id) | Self::Change(id, _) | Self::Restore(id, _) => Some(*id),
            Self::Leave => None,
        }
    }
}

/// What a row did.
#[derive(Default)]
pub(super) struct Done {
    companies: u64,
    people: u64,
    restored: u64,
    /// By changed record: which fields.
    changed: Vec<Vec<Field>>,
    examples: Vec<Example>,
}

impl Done {
    /// Counts the row and its records.
    pub(super) fn count(self, report: &mut ImportReport) {
        report.restored_records += self.restored;
        report.count(if self.companies + self.people > 0 {
            Outcome::Created {
                companies: self.companies,
                people: self.people,
            }
        } else if !self.changed.is_empty() {
            Outcome::Changed
        } else if self.restored > 0 {
            Outcome::Restored
        } else {
            Outcome::Unchanged
        });
        for fields in self.changed {
            report.count_changed(fields);
        }
        let room = EXAMPLES_MAX.saturating_sub(report.examples.len());
        report.examples.extend(self.examples.into_iter().take(room));
    }
}

/// Turns the rows of a chunk into changes.
pub(super) struct Hand<'a> {
    ctx: &'a Ctx,
    rules: &'a Rules,
    ground: &'a mut Ground,
    updates: Scope,
    deletes: Scope,
    /// Records that rows may change, as they stand.
    standing: HashMap<Uuid, Standing>,
    /// Records that the changes in hand are about.
    touched: HashSet<Uuid>,
    changes: Vec<Change>,
    /// By what the records that were made are known again.
    made: Vec<Key>,
    /// Records that rows of this chunk brought back.
    restored: HashSet<Uuid>,
}

impl<'a> Hand<'a> {
    pub(super) fn new(ctx: &'a Ctx, rules: &'a Rules, ground: &'a mut Ground) -> Self {
        let scope = |ability| ctx.actor().scope(Kind::Customer, ability);
        Self {
            ctx,
            rules,
            ground,
            updates: scope(Ability::Update),
            deletes: scope(Ability::Delete),
            standing: HashMap::new(),
            touched: HashSet::new(),
            changes: Vec::new(),
            made: Vec::new(),
            restored: HashSet::new(),
        }
    }

    fn changes_matches(&self) -> bool {
        matches!(self.rules.then, OnMatch::FillEmpty | OnMatch::Update)
    }

    /// The keys of one record of a row, the strongest first.
    fn keys(&self, row: &Mapped, draft: &Draft, kind: CustomerKind) -> Vec<Key> {
        self.ground.keys(self.rules, row, draft, kind)
    }

    /// Whether a draft brings a reference that nobody has yet. An export of ours brings none to where it came from: its
    /// ids are our own.
    fn brings_reference(&self, row: &Mapped, draft: &Draft) -> bool {
        let is_ours = row.id.is_some_and(|id| self.ground.knows(&Key::Id(id)));
        !is_ours && Key::of_reference(draft).is_some_and(|reference| !self.ground.knows(&reference))
    }

    /// Loads and locks the records that the rows may change.
    pub(super) async fn prepare(&mut self, db: &impl ConnectionTrait, rows: &[Mapped]) -> Result<()> {
        if !self.changes_matches() {
            return Ok(());
        }
        let ids: BTreeSet<Uuid> = rows.iter().flat_map(|row| self.matches(row)).collect();
        record::load(db, ids.into_iter().collect(), &mut self.standing).await
    }

    /// The records that a row's records mean.
    fn matches(&self, row: &Mapped) -> Vec<Uuid> {
        drafts(row)
            .filter_map(|(draft, kind)| {
                let keys = self.keys(row, draft, kind);
                match self.ground.find(&keys) {
                    Found::One(known) | Found::InTrash(known) => Some(known.id),
                    _ => None,
                }
            })
            .collect()
    }

    /// Whether a row is about a record that the changes in hand are about too: those must be written first.
    pub(super) fn needs_writing(&self, row: &Mapped) -> bool {
        let of_touched = |(draft, kind): (&Draft, CustomerKind)| {
            let keys = self.keys(row, draft, kind);
            match self.ground.find(&keys) {
                Found::One(known) | Found::InTrash(known) => {
                    self.touched.contains(&known.id) && !is_bare(draft)
                }
                _ => false,
            }
        };
        self.changes_matches() && drafts(row).any(of_touched)
    }

    /// The changes in hand, to be written now.
    pub(super) fn let_go(&mut self) -> Vec<Change> {
        self.touched.clear();
        std::mem::take(&mut self.changes)
    }

    /// Loads the records of a row anew, after what was in hand was written.
    pub(super) async fn reload(&mut self, db: &impl ConnectionTrait, row: &Mapped) -> Result<()> {
        let ids = self.matches(row);
        record::load(db, ids, &mut self.standing).await
    }

    /// What is still to be written, and by what the made records are known again.
    pub(super) fn finish(self) -> (Vec<Change>, Vec<Key>) {
        (self.changes, self.made)
    }

    /// Takes a row: adds its changes to those in hand, or says why a person has to look at it.
    pub(super) fn take(&mut self, row: &Mapped) -> std::result::Result<Done, Problem> {
        let steps = self
            .steps(row)
            .map_err(|(kind, reason)| Problem::new(row.line, kind, &reason, row.fields.clone()))?;
        let mut done = Done::default();
        let first = self.changes.len();
        for (draft, kind, step) in steps {
            self.perform(row, draft, kind, step, &mut done);
        }
        for change in self.changes.iter_mut().skip(first) {
            change.line = Some(row.line);
        }
        Ok(done)
    }

    /// What is to be done about each record of a row, the company first.
    fn steps<'r>(&self, row: &'r Mapped) -> std::result::Result<Vec<(&'r Draft, CustomerKind, Step)>, Snag> {
        let mut steps = Vec::new();
        let mut company = None;
        for (draft, kind) in drafts(row) {
            let step = self.step(row, draft, kind, company)?;
            company = step.id();
            steps.push((draft, kind, step));
        }
        Ok(steps)
    }

    fn step(
        &self,
        row: &Mapped,
        draft: &Draft,
        kind: CustomerKind,
        company: Option<CustomerId>,
    ) -> std::result::Result<Step, Snag> {
        let keys = self.keys(row, draft, kind);
        match self.ground.find(&keys) {
            Found::Nobody => {
                let company = self.company(draft, company)?;
                Ok(Step::Make(self.ctx.clock().new_id(), company))
            }
            Found::Several(key) => Err((
                ProblemKind::Ambiguous,
                format!("More than one customer has {}.", key.words()),
            )),
            Found::Hidden(key) => refused(format!(
                "Who has {} is here already, but out of your reach.",
                key.words()
            )),
            Found::InTrash(known) if self.restored.contains(&known.id) => {
                self.meet(row, draft, &known, company)
            }
            Found::InTrash(_) if self.rules.trash == OnTrash::Skip => Ok(Step::Leave),
            Found::InTrash(known) if known.is_in(self.deletes) => {
                match self.meet(row, draft, &known, company)? {
                    Step::Change(id, patch) => Ok(Step::Restore(id, patch)),
                    _ => Ok(Step::Restore(CustomerId(known.id), CustomerPatch::default())),
                }
            }
            Found::InTrash(_) => refused(format!(
                "“{}” lies in the trash, and you may not bring it back.",
                draft.name()
            )),
            Found::One(known) => self.meet(row, draft, &known, company),
        }
    }

    /// What a draft does to the record that it means.
    fn meet(
        &self,
        row: &Mapped,
        draft: &Draft,
        known: &Known,
        company: Option<CustomerId>,
    ) -> std::result::Result<Step, Snag> {
        let patch = self.patch(known, draft, company)?;
        let referenced = self.standing.contains_key(&known.id) && self.brings_reference(row, draft);
        if patch.0.is_empty() && !referenced {
            Ok(Step::Keep(CustomerId(known.id)))
        } else if known.is_in(self.updates) {
            Ok(Step::Change(CustomerId(known.id), patch))
        } else {
            refused(format!("You may not change “{}”.", draft.name()))
        }
    }

    /// What the draft changes in a record that is here. Nothing for one that is still in hand, or made by an earlier
    /// chunk of a file that is only checked.
    fn patch(
        &self,
        known: &Known,
        draft: &Draft,
        company: Option<CustomerId>,
    ) -> std::result::Result<CustomerPatch, Snag> {
        match self.standing.get(&known.id) {
            Some(standing) if self.changes_matches() => {
                let (mut draft, fields) = (draft.clone(), standing.fields());
                // Who belongs to it already stays there, wherever the company lies by now.
                let named = draft.fields.0.get(&Field::Company);
                let stays = named.is_some() && named == fields.0.get(&Field::Company);
                let company = match stays {
                    true => None,
                    false => self.company(&draft, company)?,
                };
                match company.filter(|_| standing.is_person()) {
                    Some(company) => draft.fields.0.insert(Field::Company, FieldValue::Id(company.0)),
                    None => draft.fields.0.remove(&Field::Company),
                };
                let patch = self.rules.patch(&fields, &draft);
                patch.map_err(|reason| (ProblemKind::Unreadable, reason))
            }
            _ => Ok(CustomerPatch::default()),
        }
    }

    /// The company that a draft's record belongs to: the one in its row, or the one that it names by an id.
    fn company(
        &self,
        draft: &Draft,
        beside: Option<CustomerId>,
    ) -> std::result::Result<Option<CustomerId>, Snag> {
        let keys = Key::of_company(draft);
        let Some(Key::Id(id)) = keys.first() else {
            return Ok(beside);
        };
        match self.ground.find(&keys) {
            Found::One(known) if known.company => Ok(Some(CustomerId(known.id))),
            Found::One(_) => refused(format!("The customer {id} is no company.")),
            Found::InTrash(known) if self.restored.contains(&known.id) => Ok(Some(CustomerId(known.id))),
            Found::InTrash(_) => refused(format!("The company {id} lies in the trash.")),
            Found::Hidden(_) | Found::Nobody | Found::Several(_) => {
                refused(format!("The company {id} is not here, or out of your reach."))
            }
        }
    }

    fn perform(&mut self, row: &Mapped, draft: &Draft, kind: CustomerKind, step: Step, done: &mut Done) {
        match step {
            Step::Make(id, company) => {
                match kind {
                    CustomerKind::Company => done.companies += 1,
                    CustomerKind::Person => done.people += 1,
                }
                let mut keys = self.keys(row, draft, kind);
                record::made(self.ctx, id, draft, company, &mut self.changes);
                if self.brings_reference(row, draft) {
                    self.refer(id, draft);
                    keys.extend(Key::of_reference(draft));
                }
                self.made.extend(keys.iter().cloned());
                self.ground.add(keys, fresh(self.ctx, id.0, kind));
                self.touched.insert(id.0);
            }
            Step::Keep(_) | Step::Leave => {}
            Step::Restore(id, patch) => {
                done.restored += 1;
                self.restored.insert(id.0);
                self.changes
                    .push(Change::bare(RecordKind::Customer, id.0, id.0, Op::Restore));
                self.change(row, draft, kind, id, patch, done);
            }
            Step::Change(id, patch) => self.change(row, draft, kind, id, patch, done),
        }
    }

    fn change(
        &mut self,
        row: &Mapped,
        draft: &Draft,
        kind: CustomerKind,
        id: CustomerId,
        patch: CustomerPatch,
        done: &mut Done,
    ) {
        self.touched.insert(id.0);
        let Some(standing) = self.standing.get(&id.0) else {
            return;
        };
        if !patch.0.is_empty() {
            done.changed.push(patch.0.keys().copied().collect());
            done.examples.push(standing.example(row.line, &patch));
            record::patched(self.ctx, standing, draft, patch, &mut self.changes);
        }
        if self.brings_reference(row, draft) {
            self.refer(id, draft);
            let known = fresh(self.ctx, id.0, kind);
            self.ground
                .add(Key::of_reference(draft).into_iter().collect(), known);
        }
    }

    /// Lets the source know a record from now on.
    fn refer(&mut self, id: CustomerId, draft: &Draft) {
        let reference = draft.reference.as_ref();
        self.changes
            .extend(reference.map(|reference| record::referenced(self.ctx, id, reference)));
    }
}

fn refused<T>(reason: String) -> std::result::Result<T, Snag> {
    Err((ProblemKind::Refused, reason))
}

/// A record that the actor makes.
pub(super) fn fresh(ctx: &Ctx, id: Uuid, kind: CustomerKind) -> Known {
    Known {
        id,
        deleted: false,
        owner: Some(ctx.actor().user.0),
        team: ctx.actor().team.map(|team| team.0),
        company: kind == CustomerKind::Company,
    }
}

/// Whether a draft says no more than a name.
fn is_bare(draft: &Draft) -> bool {
    let says = |field: &Field| !matches!(field, Field::Name | Field::Kind) && !draft.supplied.contains(field);
    !draft.fields.0.keys().any(says)
}

/// The records of a row, the company first.
fn drafts(row: &Mapped) -> impl Iterator<Item = (&Draft, CustomerKind)> {
    let company = row.company.iter().map(|draft| (draft, CustomerKind::Company));
    company.chain(row.person.iter().map(|draft| (draft, CustomerKind::Person)))
}
