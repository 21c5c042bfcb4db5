//! One row after the other into companies and people: a mapping with everything worked out that is the same for all.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::{
    Draft, Mapped, Mapping, Profile, Row, Target, Unreadable, Whose, decide::name_key, guess::is_note, words,
};
use crate::{
    activity::note_body,
    customer::{
        CONTACT_POINTS_MAX, ContactKind, CustomerKind, ExternalRef, Field, FieldValue, Stage, TAGS_MAX,
    },
    export::unescape,
    text,
};

/// Turns rows into drafts. Made by [`Mapping::mapper`].
#[derive(Debug, Clone)]
pub struct Mapper {
    mapping: Mapping,
    /// The words for nothing, in lower case.
    nothing: Vec<String>,
    /// The longest of them in bytes, with room for what a change of case adds.
    nothing_max: usize,
    /// By column: the column that has its labels.
    labels: Vec<Option<usize>>,
    constants: Vec<(Whose, Field, FieldValue)>,
    tags: Vec<String>,
    /// The first column with a reference.
    reference: Option<usize>,
}

/// What one of the two records of a row has so far.
#[derive(Default)]
struct Parts {
    /// By field: the first column that has it, and its value.
    fields: BTreeMap<Field, (usize, FieldValue)>,
    labels: BTreeMap<(Field, String), String>,
    reference: Option<String>,
    since: Option<NaiveDate>,
    note: Option<String>,
}

impl Parts {
    fn named(&self) -> bool {
        self.fields.contains_key(&Field::Name)
    }

    /// Whether it has something that goes to the row's other record when it is none itself.
    fn has_story(&self) -> bool {
        self.since.is_some() || self.note.is_some()
    }

    fn add_note(&mut self, paragraph: &str) {
        match &mut self.note {
            None => self.note = Some(paragraph.to_owned()),
            Some(note) => {
                note.push_str("\n\n");
                note.push_str(paragraph);
            }
        }
    }

    /// Takes over what the other has and this one lacks; lists grow together.
    fn absorb(&mut self, other: Self) {
        for (field, (column, value)) in other.fields {
            match (self.fields.get_mut(&field), value) {
                (None, value) => drop(self.fields.insert(field, (column, value))),
                (Some((_, FieldValue::List(mine))), FieldValue::List(theirs)) => {
                    for value in theirs {
                        if !has(mine, field, &value) && mine.len() < most(field) {
                            mine.push(value);
                        }
                    }
                }
                (Some(_), _) => {}
            }
        }
        for (key, label) in other.labels {
            self.labels.entry(key).or_insert(label);
        }
        self.reference = self.reference.take().or(other.reference);
        self.since = self.since.or(other.since);
        if let Some(paragraph) = other.note {
            self.add_note(&paragraph);
        }
    }
}

impl Mapper {
    pub(super) fn new(mapping: Mapping) -> Self {
        let nothing: Vec<_> = mapping
            .nothing
            .iter()
            .map(|word| word.trim().to_lowercase())
            .collect();
        let mut labels = vec![None; mapping.headers.len()];
        for (place, target) in mapping.targets.iter().enumerate() {
            if let Target::Label { column } = target
                && let Some(slot) = usize::try_from(*column)
                    .ok()
                    .and_then(|column| labels.get_mut(column))
            {
                *slot = Some(place);
            }
        }
        let constants = mapping
            .constants
            .iter()
            .filter_map(|constant| match constant.parse() {
                Ok(FieldValue::Nothing) | Err(_) => None,
                Ok(FieldValue::List(list)) if list.is_empty() => None,
                Ok(value) => Some((constant.whose, constant.field, value)),
            });
        let tags = match Field::Tags.parse(&mapping.tags.join(",")) {
            Ok(FieldValue::List(tags)) => tags,
            _ => Vec::new(),
        };
        Self {
            nothing_max: nothing.iter().map(|word| word.len() * 3).max().unwrap_or(0),
            nothing,
            labels,
            constants: constants.collect(),
            tags,
            reference: mapping
                .targets
                .iter()
                .position(|target| matches!(target, Target::Reference(_))),
            mapping,
        }
    }

    /// Turns a row into what is to be made of it.
    ///
    /// # Errors
    /// The row with a reason that names the columns: a value breaks a field's rule, or what a record needs is missing.
    pub fn map(&self, row: Row) -> Result<Mapped, Unreadable> {
        let mut reasons = Vec::new();
        match self.drafts(&row.fields, &mut reasons) {
            Some((id, company, person)) if reasons.is_empty() => Ok(Mapped {
                line: row.line,
                id,
                company,
                person,
                fields: row.fields,
            }),
            _ => {
                if reasons.is_empty() {
                    reasons.push("The row names neither a company nor a person.".to_owned());
                }
                Err(Unreadable {
                    line: row.line,
                    reason: reasons.join(" "),
                    fields: row.fields,
                })
            }
        }
    }

    fn is_nothing(&self, value: &str) -> bool {
        if value.is_empty() {
            return true;
        }
        if value.len() > self.nothing_max {
            return false;
        }
        let lower;
        let value = if value
            .bytes()
            .any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii())
        {
            lower = value.to_lowercase();
            lower.as_str()
        } else {
            value
        };
        self.nothing.iter().any(|word| word == value)
    }

    fn header(&self, column: usize) -> &str {
        self.mapping.headers.get(column).map_or("", String::as_str)
    }

    /// A paragraph of a note, with the column's name before it unless that says no more than “notes”.
    fn titled(&self, column: usize, note: String) -> String {
        match self.header(column) {
            header if is_note(header) => note,
            header => format!("{header}: {note}"),
        }
    }

    fn drafts(
        &self,
        values: &[String],
        reasons: &mut Vec<String>,
    ) -> Option<(Option<Uuid>, Option<Draft>, Option<Draft>)> {
        let (mut company, mut person) = (Parts::default(), Parts::default());
        let (mut first, mut last) = (None, None);
        let mut id = None;
        for (column, (target, raw)) in self.mapping.targets.iter().zip(values).enumerate() {
            if *target == Target::Ignore {
                continue;
            }
            let value = unescape(raw).trim();
            if self.is_nothing(value) {
                continue;
            }
            let done = match target {
                Target::Ignore | Target::Label { .. } => Ok(()),
                Target::Id => Uuid::try_parse(value)
                    .map(|uuid| id = Some(uuid))
                    .map_err(|_| format!("“{}” is not an id.", shortened(value))),
                Target::Reference(whose) => text::line(value).map(|key| {
                    side(&mut company, &mut person, *whose)
                        .reference
                        .get_or_insert(key);
                }),
                Target::Since(whose) => self.mapping.days.parse(value).map(|day| {
                    side(&mut company, &mut person, *whose).since.get_or_insert(day);
                }),
                Target::Note(whose) => note_body(value).map(|note| {
                    side(&mut company, &mut person, *whose).add_note(&self.titled(column, note));
                }),
                Target::FirstName => name_part(&mut first, column, value),
                Target::LastName => name_part(&mut last, column, value),
                Target::Field { whose, field, label } => self.take(
                    side(&mut company, &mut person, *whose),
                    column,
                    *field,
                    label,
                    value,
                    values,
                ),
            };
            if let Err(sentence) = done {
                reasons.push(format!("“{}”: {sentence}", self.header(column)));
            }
        }
        if let Some(column) = self.reference
            && id.is_none()
            && company.reference.is_none()
            && person.reference.is_none()
            && reasons.is_empty()
        {
            let header = self.header(column);
            reasons.push(format!(
                "“{header}” has no value: the row could not be known again."
            ));
        }
        let parts = first.or_else(|| last.take());
        if let (false, Some((column, mut name))) = (person.named(), parts) {
            if let Some((_, last)) = last {
                name.push(' ');
                name.push_str(&last);
            }
            match Field::Name.parse(&name) {
                Ok(value) => drop(person.fields.insert(Field::Name, (column, value))),
                Err(sentence) => reasons.push(format!("“{}”: {sentence}", self.header(column))),
            }
        }
        if !reasons.is_empty() {
            return None;
        }
        self.settle(&mut company, &mut person, reasons);
        if !reasons.is_empty() || !(company.named() || person.named()) {
            return None;
        }
        let (company, person) = self.finish(company, person, id);
        Some((id, company, person))
    }

    /// Adds a value to a record.
    fn take(
        &self,
        parts: &mut Parts,
        column: usize,
        field: Field,
        label: &str,
        value: &str,
        row: &[String],
    ) -> Result<(), String> {
        if field == Field::Tags || field.contact_kind().is_some() {
            return self.take_list(parts, column, field, label, value, row);
        }
        let value = match field {
            Field::Stage => words::stage(value).map(|stage| text_of(stage.word()))?,
            Field::Kind => words::kind(value).map(|kind| text_of(kind.word()))?,
            Field::Company => field
                .parse(value)
                .map_err(|_| format!("“{}” is not an id.", shortened(value)))?,
            _ => field.parse(&one_line(field, value))?,
        };
        match (parts.fields.get_mut(&field), value) {
            (_, FieldValue::Nothing) => Ok(()),
            (Some((first, FieldValue::Text(old))), FieldValue::Text(new))
                if !matches!(field, Field::Stage | Field::Kind) =>
            {
                let between = if field == Field::Street && is_house_number(&new) {
                    " "
                } else {
                    separator(field)
                };
                let joined = field
                    .parse(&format!("{old}{between}{new}"))
                    .map_err(|sentence| format!("with “{}”: {sentence}", self.header(*first)))?;
                if let FieldValue::Text(joined) = joined {
                    *old = joined;
                }
                Ok(())
            }
            (Some(_), _) => Ok(()),
            (None, value) => {
                parts.fields.insert(field, (column, value));
                Ok(())
            }
        }
    }

    /// Adds contact points or tags. A number that is phone and fax at once is kept once, under the first column it
    /// stood in.
    fn take_list(
        &self,
        parts: &mut Parts,
        column: usize,
        field: Field,
        label: &str,
        value: &str,
        row: &[String],
    ) -> Result<(), String> {
        let ours = self.mapping.profile == Profile::Rapport;
        let pieces = split(field, value, ours);
        let labels = self
            .labels
            .get(column)
            .copied()
            .flatten()
            .and_then(|column| row.get(column))
            .map(|raw| unescape(raw));
        let labels: Vec<_> = labels.map_or_else(Vec::new, |labels| {
            if ours {
                labels.split('\n').collect()
            } else {
                labels.split(":::").collect()
            }
        });
        let (_, list) = parts
            .fields
            .entry(field)
            .or_insert_with(|| (column, FieldValue::List(Vec::new())));
        let FieldValue::List(list) = list else {
            return Ok(());
        };
        for (place, piece) in pieces.iter().enumerate() {
            let cleaned = match field.contact_kind() {
                Some(kind) => vec![kind.parse(&contact_text(kind, piece, ours))?],
                None if self.mapping.profile == Profile::Google && is_googles(piece) => Vec::new(),
                None => match field.parse(if ours {
                    piece
                } else {
                    piece.trim().trim_start_matches("* ")
                })? {
                    FieldValue::List(tags) => tags,
                    _ => Vec::new(),
                },
            };
            for value in cleaned {
                if has(list, field, &value) {
                    continue;
                }
                if list.len() >= most(field) {
                    return Err(match field {
                        Field::Tags => format!("Please use at most {TAGS_MAX} tags."),
                        _ => format!("Please give at most {CONTACT_POINTS_MAX}."),
                    });
                }
                let label = match labels.as_slice() {
                    [] => label.to_owned(),
                    [one] if !ours => words::label(one)?,
                    several => {
                        let one = several.get(place).copied().unwrap_or_default();
                        if ours {
                            text::line(one)?
                        } else {
                            words::label(one)?
                        }
                    }
                };
                if !label.is_empty() {
                    parts.labels.insert((field, value.clone()), label);
                }
                list.push(value);
            }
        }
        if list.is_empty() {
            parts.fields.remove(&field);
        }
        Ok(())
    }

    /// Puts what a row says of one record only where it belongs: to the one it has.
    fn settle(&self, company: &mut Parts, person: &mut Parts, reasons: &mut Vec<String>) {
        let kind = |parts: &mut Parts| match parts.fields.remove(&Field::Kind) {
            Some((column, FieldValue::Text(word))) => Some((column, word == CustomerKind::Company.word())),
            _ => None,
        };
        let (of_company, of_person) = (kind(company), kind(person));
        // The company is named by its id: its name beside it says nothing new.
        if person.fields.contains_key(&Field::Company) {
            *company = Parts {
                reference: company.reference.take(),
                ..Parts::default()
            };
        }
        match (of_person, of_company) {
            // The person's kind is that of the row's single record: what has the person's place is a company then.
            (Some((column, true)), _) if person.named() => {
                if company.named() && name_of(company) != name_of(person) {
                    let other = company
                        .fields
                        .get(&Field::Name)
                        .map_or("", |(column, _)| self.header(*column));
                    reasons.push(format!(
                        "“{}” says that this is a company, but “{other}” names another one.",
                        self.header(column)
                    ));
                    return;
                }
                company.absorb(std::mem::take(person));
            }
            (_, Some((_, false))) if company.named() && !person.named() => {
                person.absorb(std::mem::take(company));
            }
            _ => {}
        }
        if person.has_story() && person.fields.is_empty() && company.named() {
            company.absorb(std::mem::take(person));
        }
        if company.has_story() && company.fields.is_empty() && person.named() {
            person.absorb(std::mem::take(company));
        }
        for note in [&company.note, &person.note].into_iter().flatten() {
            if let Err(sentence) = note_body(note) {
                reasons.push(sentence);
            }
        }
        if !person.fields.is_empty() && !person.named() {
            let email = match person.fields.get(&Field::Emails) {
                Some((column, FieldValue::List(emails))) => {
                    emails.first().map(|email| (*column, email.clone()))
                }
                _ => None,
            };
            if company.named() && !person.fields.contains_key(&Field::JobTitle) {
                company.absorb(std::mem::take(person));
            } else if let Some((column, email)) = email {
                person
                    .fields
                    .insert(Field::Name, (column, FieldValue::Text(email)));
            } else {
                reasons.push(self.nameless(Whose::Person, person));
            }
        }
        if !company.fields.is_empty() && !company.named() {
            if person.named() {
                person.absorb(std::mem::take(company));
            } else if reasons.is_empty() {
                reasons.push(self.nameless(Whose::Company, company));
            }
        }
    }

    fn nameless(&self, whose: Whose, parts: &Parts) -> String {
        let first = parts
            .fields
            .values()
            .map(|(column, _)| *column)
            .min()
            .unwrap_or_default();
        let first = self.header(first);
        let is_name = |target: &Target| match target {
            Target::Field {
                whose: of,
                field: Field::Name,
                ..
            } => *of == whose,
            Target::FirstName | Target::LastName => whose == Whose::Person,
            _ => false,
        };
        match self.mapping.targets.iter().position(is_name) {
            Some(name) => format!("“{}” has no value, but “{first}” has.", self.header(name)),
            None => format!("“{first}” has a value, but no column has the name it belongs to."),
        }
    }

    fn finish(&self, company: Parts, person: Parts, id: Option<Uuid>) -> (Option<Draft>, Option<Draft>) {
        let reference = |key: String| ExternalRef {
            source: self.mapping.source.clone(),
            key,
        };
        let (has_company, has_person) = (company.named(), person.named());
        let stage = |parts: &Parts| parts.fields.get(&Field::Stage).map(|(_, stage)| stage.clone());
        let stages = (stage(&company), stage(&person));
        let (mut own_company, mut own_person) = (None, None);
        match (company.reference.clone(), person.reference.clone()) {
            (Some(company), Some(person)) if has_company && has_person => {
                own_company = Some(reference(company));
                own_person = Some(reference(person));
            }
            // The row's reference is the company's; its contact person has one that is derived from it.
            (Some(key), None) if has_company && has_person => {
                own_person = name_of(&person).map(|name| reference(person_key(&key, &name)));
                own_company = Some(reference(key));
            }
            (_, Some(key)) if has_person => own_person = Some(reference(key)),
            (Some(key), _) | (None, Some(key)) if has_company => own_company = Some(reference(key)),
            (Some(key), _) => own_person = Some(reference(key)),
            (None, _) => {
                // An export brought to another installation is known again by the ids of the first one.
                let own = id.map(|id| reference(id.hyphenated().to_string()));
                if has_person {
                    own_person = own;
                } else {
                    own_company = own;
                }
            }
        }
        let company = has_company.then(|| self.draft(Whose::Company, company, own_company, stages.1));
        let person = has_person.then(|| self.draft(Whose::Person, person, own_person, stages.0));
        (company, person)
    }

    fn draft(
        &self,
        whose: Whose,
        parts: Parts,
        reference: Option<ExternalRef>,
        other_stage: Option<FieldValue>,
    ) -> Draft {
        let mut draft = Draft {
            labels: parts.labels,
            reference,
            since: parts.since,
            note: parts.note,
            ..Draft::default()
        };
        let fields = &mut draft.fields.0;
        fields.extend(parts.fields.into_iter().map(|(field, (_, value))| (field, value)));
        for (_, field, value) in self.constants.iter().filter(|(of, ..)| *of == whose) {
            fields.entry(*field).or_insert_with(|| {
                draft.supplied.insert(*field);
                value.clone()
            });
        }
        fields.entry(Field::Stage).or_insert_with(|| {
            draft.supplied.insert(Field::Stage);
            other_stage.unwrap_or_else(|| text_of(Stage::Customer.word()))
        });
        let kind = match whose {
            Whose::Company => CustomerKind::Company,
            Whose::Person => CustomerKind::Person,
        };
        fields.insert(Field::Kind, text_of(kind.word()));
        if !self.tags.is_empty() {
            draft.tags.clone_from(&self.tags);
            let own = fields
                .entry(Field::Tags)
                .or_insert_with(|| FieldValue::List(Vec::new()));
            if let FieldValue::List(own) = own {
                for tag in &self.tags {
                    if !has(own, Field::Tags, tag) && own.len() < TAGS_MAX {
                        own.push(tag.clone());
                    }
                }
            }
        }
        draft
    }
}

/// The record of a row that something belongs to.
fn side<'r>(company: &'r mut Parts, person: &'r mut Parts, whose: Whose) -> &'r mut Parts {
    match whose {
        Whose::Company => company,
        Whose::Person => person,
    }
}

/// The reference of a company's contact person, who has none of their own in the file. It bears the name: another name
/// beside the same company is another person.
fn person_key(company: &str, name: &str) -> String {
    format!("{company}/contact/{name}")
}

fn text_of(word: &str) -> FieldValue {
    FieldValue::Text(word.to_owned())
}

fn name_of(parts: &Parts) -> Option<String> {
    match parts.fields.get(&Field::Name) {
        Some((_, FieldValue::Text(name))) => Some(name_key(name)),
        _ => None,
    }
}

fn shortened(value: &str) -> String {
    value.chars().take(40).collect()
}

fn name_part(part: &mut Option<(usize, String)>, column: usize, value: &str) -> Result<(), String> {
    let value = text::line(&one_line(Field::Name, value))?;
    match part {
        None => *part = Some((column, value)),
        Some((_, name)) => {
            name.push(' ');
            name.push_str(&value);
        }
    }
    Ok(())
}

fn most(field: Field) -> usize {
    if field == Field::Tags {
        TAGS_MAX
    } else {
        CONTACT_POINTS_MAX
    }
}

/// Whether a list has a value already, in the form in which two are compared.
fn has(list: &[String], field: Field, value: &str) -> bool {
    if list.is_empty() {
        return false;
    }
    let key = |value: &str| {
        field
            .contact_kind()
            .map_or_else(|| value.to_lowercase(), |kind| kind.normalise(value))
    };
    let own = key(value);
    list.iter().any(|other| key(other) == own)
}

/// The values of a cell that may list several. Our own export has one a line and nothing else.
fn split(field: Field, value: &str, ours: bool) -> Vec<&str> {
    let trimmed = |part: &str| !part.trim().is_empty();
    if ours {
        return match field {
            Field::Tags => vec![value],
            _ => value.split(['\n', '\r']).filter(|part| trimmed(part)).collect(),
        };
    }
    let lists = value.contains([';', '\n', '\r', ',', '|', ' ']) || value.contains(":::");
    if !lists {
        return vec![value];
    }
    let parts = value
        .split(":::")
        .flat_map(|part| part.split([';', '\n', '\r', '|']));
    let parts = parts.filter(|part| trimmed(part));
    match field {
        Field::Emails => parts
            .flat_map(|part| {
                // “Ada Lovelace <ada@b.c>” is one address, with blanks before it.
                let named = part.contains('<');
                part.split(move |c: char| c == ',' || (!named && c.is_whitespace()))
            })
            .filter(|part| trimmed(part))
            .collect(),
        Field::Links => parts
            .flat_map(|part| part.split_whitespace())
            .map(|part| part.trim_end_matches(','))
            .filter(|part| trimmed(part))
            .collect(),
        Field::Phones => parts
            .flat_map(|part| {
                // A comma may also stand inside a number.
                let whole = |part: &str| part.bytes().filter(u8::is_ascii_digit).count() >= 5;
                let several = part.split(',').all(whole);
                part.split(move |c: char| c == ',' && several)
            })
            .filter(|part| trimmed(part))
            .collect(),
        _ => parts.collect(),
    }
}

/// A group that everybody in Google Contacts is in, or a mark.
fn is_googles(tag: &str) -> bool {
    matches!(
        tag.trim().trim_start_matches("* "),
        "myContacts" | "My Contacts" | "starred"
    )
}

/// A contact point without what programs write around it.
fn contact_text(kind: ContactKind, piece: &str, ours: bool) -> String {
    let piece = piece.trim();
    if ours {
        return piece.to_owned();
    }
    match kind {
        ContactKind::Email => {
            let inner = piece.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
            let address = inner.map_or(piece, |(address, _)| address).trim();
            address.strip_prefix("mailto:").unwrap_or(address).to_owned()
        }
        ContactKind::Link if !piece.contains([':', '@']) && piece.trim_matches('.').contains('.') => {
            format!("https://{piece}")
        }
        ContactKind::Phone | ContactKind::Link => piece.to_owned(),
    }
}

/// A value as its field can take it: line breaks inside an address are commas there, elsewhere blanks.
fn one_line(field: Field, value: &str) -> String {
    if !value.contains(['\n', '\r']) {
        return value.to_owned();
    }
    let lines = value
        .split(['\n', '\r'])
        .map(|line| line.trim().trim_end_matches(','))
        .filter(|l| !l.is_empty());
    lines.collect::<Vec<_>>().join(separator(field))
}

/// What stands between the values of several columns for one field.
fn separator(field: Field) -> &'static str {
    match field {
        Field::Street => ", ",
        _ => " ",
    }
}

/// “7”, “12a”, “3-5”: it belongs to the street before it, without a comma.
fn is_house_number(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_digit())
        && value.chars().count() <= 6
        && value
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '-' | '/' | ' ' | 'a'..='h' | 'A'..='H'))
}
