//! Rows into customers: which column is which field, and what a row becomes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Row, Unreadable};
use crate::{
    customer::{ContactKind, CustomerKind, CustomerPatch, ExternalRef, Field, FieldValue, Stage},
    text,
};

/// The words that stand for nothing unless a mapping names others. An empty value always does.
pub const NOTHING: [&str; 3] = ["NULL", "N/A", "-"];

/// The longest name of a source.
const SOURCE_MAX: usize = 60;

/// Which of the two records of a row a value belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The company.
    Company,
    /// The person, who belongs to the company if the row has both.
    Person,
}

/// What becomes of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// It is not taken.
    Ignore,
    /// The key by which the file's source knows the row.
    Reference,
    /// A field. Several columns may fill one field, in their order.
    Field {
        /// Of which record.
        whose: Whose,
        /// The field.
        field: Field,
        /// For contact points: their label, such as “fax”; may be empty.
        #[serde(default)]
        label: String,
    },
}

/// How the rows of one file become customers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The names of the columns, for the sentences about them.
    pub headers: Vec<String>,
    /// What becomes of each column, in the same order.
    pub targets: Vec<Target>,
    /// The words that stand for nothing, without regard to case.
    pub nothing: Vec<String>,
    /// The stage of every record whose row names none.
    pub stage: Stage,
    /// The name of the system that the file comes from; see [`source_of`].
    pub source: String,
}

/// A record to make: its checked fields, kind and stage included, and what its contact points are called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The fields; what the row does not have is not in it.
    pub fields: CustomerPatch,
    /// Labels by the contact point's field and value; those without one are not in it.
    pub labels: BTreeMap<(Field, String), String>,
}

impl Draft {
    /// The full name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.fields.0.get(&Field::Name) {
            Some(FieldValue::Text(name)) => name,
            _ => "",
        }
    }

    /// The label of a contact point; empty when it has none.
    #[must_use]
    pub fn label(&self, field: Field, value: &str) -> &str {
        self.labels
            .get(&(field, value.to_owned()))
            .map_or("", String::as_str)
    }
}

/// What a row becomes: a company, a person, or both, linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The line of the row.
    pub line: u64,
    /// How the source knows the row: the company's reference, or the person's where there is no company.
    pub reference: Option<ExternalRef>,
    /// The company.
    pub company: Option<Draft>,
    /// The person.
    pub person: Option<Draft>,
}

/// The source that a file's name stands for: its stem, in lower case, without folders. Two files of one name are one
/// source, so that an export which is taken again finds its rows.
#[must_use]
pub fn source_of(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let clean: String = stem
        .chars()
        .filter(|c| !c.is_control())
        .take(SOURCE_MAX)
        .collect();
    let source = text::line(&clean).unwrap_or_default().to_lowercase();
    if source.is_empty() {
        "file".to_owned()
    } else {
        source
    }
}

impl Mapping {
    /// Guesses from the names of the columns. Case, blanks, underscores and dashes make no difference; what is not
    /// recognised is ignored, and so is a second column for the reference.
    #[must_use]
    pub fn guess(headers: &[String], source: &str) -> Self {
        let names: Vec<_> = headers.iter().map(|header| plain(header)).collect();
        let any = |is: fn(&str) -> bool| names.iter().any(|name| is(name));
        let (company, person) = (
            any(names_company),
            any(names_person) || any(|name| name == "name"),
        );
        let main = if company { Whose::Company } else { Whose::Person };
        let reached = if person { Whose::Person } else { Whose::Company };
        let mut referenced = false;
        let targets = names.iter().map(|name| match guess(name, main, reached) {
            Target::Reference if std::mem::replace(&mut referenced, true) => Target::Ignore,
            target => target,
        });
        Self {
            targets: targets.collect(),
            headers: headers.to_vec(),
            nothing: NOTHING.map(str::to_owned).to_vec(),
            stage: Stage::Customer,
            source: source.to_owned(),
        }
    }

    /// Refuses a mapping that can make no record.
    ///
    /// # Errors
    /// A sentence that names the columns there are.
    pub fn check(&self) -> Result<(), String> {
        let is_name = |target: &Target| {
            matches!(
                target,
                Target::Field {
                    field: Field::Name,
                    ..
                }
            )
        };
        if self.targets.iter().any(is_name) {
            return Ok(());
        }
        let columns = self
            .headers
            .iter()
            .take(20)
            .map(|name| name.chars().take(40).collect::<String>());
        Err(format!(
            "No column names a company or a person. The columns are: {}.",
            columns.collect::<Vec<_>>().join(", ")
        ))
    }

    /// The names of the columns that are not taken.
    #[must_use]
    pub fn ignored(&self) -> Vec<String> {
        let pairs = self
            .headers
            .iter()
            .zip(&self.targets)
            .filter(|(_, target)| **target == Target::Ignore);
        pairs.map(|(name, _)| name.clone()).collect()
    }

    /// Turns a row into what is to be made of it.
    ///
    /// # Errors
    /// The row with a reason that names the columns: a value breaks a field's rule, or what a record needs is missing.
    pub fn map(&self, row: Row) -> Result<Mapped, Unreadable> {
        let mut reasons = Vec::new();
        let reference = self.reference(&row, &mut reasons);
        let company = self.draft(Whose::Company, &row, &mut reasons);
        let person = self.draft(Whose::Person, &row, &mut reasons);
        if reasons.is_empty() && company.is_none() && person.is_none() {
            reasons.push("The row names neither a company nor a person.".to_owned());
        }
        if reasons.is_empty() {
            return Ok(Mapped {
                line: row.line,
                reference,
                company,
                person,
            });
        }
        Err(Unreadable {
            line: row.line,
            reason: reasons.join(" "),
            fields: row.fields,
        })
    }

    /// The values of the columns that the predicate picks, without those that stand for nothing.
    fn values<'a>(
        &'a self,
        row: &'a Row,
        picks: impl Fn(&Target) -> bool,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a Target)> {
        let columns = self.headers.iter().zip(&self.targets).zip(&row.fields);
        columns
            .filter(move |((_, target), value)| picks(target) && !self.is_nothing(value))
            .map(|((header, target), value)| (header.as_str(), value.as_str(), target))
    }

    fn is_nothing(&self, value: &str) -> bool {
        let value = value.trim();
        value.is_empty()
            || self
                .nothing
                .iter()
                .any(|word| word.trim().to_lowercase() == value.to_lowercase())
    }

    fn reference(&self, row: &Row, reasons: &mut Vec<String>) -> Option<ExternalRef> {
        let header = self.header_of(|target| *target == Target::Reference)?;
        let Some((_, raw, _)) = self.values(row, |target| *target == Target::Reference).next() else {
            reasons.push(format!(
                "“{header}” has no value: the row could not be known again."
            ));
            return None;
        };
        match text::line(raw) {
            Ok(key) => Some(ExternalRef {
                source: self.source.clone(),
                key,
            }),
            Err(sentence) => {
                reasons.push(format!("“{header}”: {sentence}"));
                None
            }
        }
    }

    fn header_of(&self, is: impl Fn(&Target) -> bool) -> Option<&str> {
        self.headers
            .iter()
            .zip(&self.targets)
            .find(|(_, target)| is(target))
            .map(|(header, _)| header.as_str())
    }

    fn draft(&self, whose: Whose, row: &Row, reasons: &mut Vec<String>) -> Option<Draft> {
        let mine = |target: &Target| matches!(target, Target::Field { whose: w, .. } if *w == whose);
        // By field: the column that is named if something is wrong with it, and the text from all its columns.
        let mut raw = BTreeMap::<Field, (&str, String)>::new();
        let mut draft = Draft::default();
        for (header, value, target) in self.values(row, mine) {
            let Target::Field { field, label, .. } = target else {
                continue;
            };
            let value = one_line(*field, value);
            // Each column by itself first, so that the sentence names the right one.
            match field.parse(&value) {
                Err(sentence) => reasons.push(format!("“{header}”: {sentence}")),
                Ok(FieldValue::List(values)) if !label.is_empty() => {
                    draft
                        .labels
                        .extend(values.into_iter().map(|value| ((*field, value), label.clone())));
                }
                Ok(_) => {}
            }
            let entry = raw.entry(*field).or_insert((header, String::new()));
            if !entry.1.is_empty() {
                entry.1.push_str(separator(*field));
            }
            entry.1.push_str(&value);
        }
        if raw.is_empty() || !reasons.is_empty() {
            return None;
        }
        if !raw.contains_key(&Field::Name) {
            let first = raw.values().next().map_or("", |(header, _)| header);
            let is_name = |target: &Target| {
                mine(target)
                    && matches!(
                        target,
                        Target::Field {
                            field: Field::Name,
                            ..
                        }
                    )
            };
            reasons.push(match self.header_of(is_name) {
                Some(name) => format!("“{name}” has no value, but “{first}” has."),
                None => format!("“{first}” has a value, but no column has the name it belongs to."),
            });
            return None;
        }
        for (field, (header, value)) in raw {
            match field.parse(&value) {
                Ok(value) => drop(draft.fields.0.insert(field, value)),
                Err(sentence) => reasons.push(format!("“{header}”: {sentence}")),
            }
        }
        let kind = match whose {
            Whose::Company => CustomerKind::Company,
            Whose::Person => CustomerKind::Person,
        };
        let fields = &mut draft.fields.0;
        fields.insert(Field::Kind, FieldValue::Text(kind.word().to_owned()));
        fields
            .entry(Field::Stage)
            .or_insert_with(|| FieldValue::Text(self.stage.word().to_owned()));
        // A number that is phone and fax at once was kept once, under the first column it stood in.
        draft.labels.retain(|(field, value), _| {
            matches!(fields.get(field), Some(FieldValue::List(values)) if values.contains(value))
        });
        self.unlabel_first(whose, row, &mut draft);
        Some(draft)
    }

    /// Drops the label of a contact point that an earlier column without a label gave too.
    fn unlabel_first(&self, whose: Whose, row: &Row, draft: &mut Draft) {
        let plain = |target: &Target| matches!(target, Target::Field { whose: w, label, .. } if *w == whose && label.is_empty());
        for (_, value, target) in self.values(row, plain) {
            let Target::Field { field, .. } = target else {
                continue;
            };
            if let Ok(FieldValue::List(values)) = field.parse(&one_line(*field, value)) {
                for value in values {
                    draft.labels.remove(&(*field, value));
                }
            }
        }
    }
}

/// A value as its field can take it: line breaks inside an address are commas there, elsewhere blanks; between contact
/// points they stay.
fn one_line(field: Field, value: &str) -> String {
    let value = value.trim();
    match field {
        Field::Emails | Field::Phones | Field::Links | Field::Tags => value.to_owned(),
        Field::Kind | Field::Stage => value.to_lowercase(),
        _ if !value.contains(['\n', '\r']) => value.to_owned(),
        field => {
            let lines = value
                .split(['\n', '\r'])
                .map(|line| line.trim().trim_end_matches(','))
                .filter(|l| !l.is_empty());
            lines.collect::<Vec<_>>().join(separator(field))
        }
    }
}

/// What stands between the values of several columns for one field.
fn separator(field: Field) -> &'static str {
    match field {
        Field::Emails | Field::Phones | Field::Links => "\n",
        Field::Tags => ",",
        Field::Street => ", ",
        _ => " ",
    }
}

/// A column's name without case, blanks and signs.
fn plain(header: &str) -> String {
    header
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn names_company(name: &str) -> bool {
    matches!(
        name,
        "company"
            | "companyname"
            | "organisation"
            | "organization"
            | "organisationname"
            | "organizationname"
            | "account"
            | "accountname"
            | "business"
            | "businessname"
            | "firm"
            | "firma"
    )
}

fn names_person(name: &str) -> bool {
    matches!(
        name,
        "contactname"
            | "contact"
            | "contactperson"
            | "fullname"
            | "personname"
            | "firstname"
            | "givenname"
            | "middlename"
            | "lastname"
            | "surname"
            | "familyname"
    )
}

/// What a column is by its plain name. Addresses and telephones are `main`'s, what reaches a single human being is
/// the person's if there is one (`reached`).
fn guess(name: &str, main: Whose, reached: Whose) -> Target {
    let labelled = |whose, field, label: &str| Target::Field {
        whose,
        field,
        label: label.to_owned(),
    };
    let field = |whose, field| labelled(whose, field, "");
    match name {
        name if names_company(name) => field(Whose::Company, Field::Name),
        name if names_person(name) => field(Whose::Person, Field::Name),
        "name" => field(Whose::Person, Field::Name),
        "customerid" | "customernumber" | "customerno" | "companyid" | "accountid" | "accountnumber"
        | "contactid" | "recordid" | "externalid" | "reference" | "key" | "id" => Target::Reference,
        "contacttitle" | "jobtitle" | "position" => field(Whose::Person, Field::JobTitle),
        "address" | "street" | "streetaddress" | "address1" | "address2" | "addressline1"
        | "addressline2" => field(main, Field::Street),
        "city" | "town" => field(main, Field::City),
        "region" | "state" | "province" | "county" | "stateregion" | "stateprovince" => {
            field(main, Field::Region)
        }
        "postalcode" | "postcode" | "zip" | "zipcode" => field(main, Field::PostalCode),
        "country" | "countryregion" => field(main, Field::Country),
        "phone" | "telephone" | "tel" | "phonenumber" | "businessphone" | "workphone" | "mainphone" => {
            field(main, Field::Phones)
        }
        "fax" | "faxnumber" | "businessfax" | "telefax" => labelled(main, Field::Phones, "fax"),
        "mobile" | "mobilephone" | "mobilenumber" | "cell" | "cellphone" => {
            labelled(reached, Field::Phones, "mobile")
        }
        "email" | "emailaddress" | "mail" | "contactemail" => field(reached, Field::Emails),
        "website" | "web" | "webpage" | "homepage" | "url" => field(main, Field::Links),
        "tags" | "categories" => field(main, Field::Tags),
        "stage" => field(main, Field::Stage),
        _ => Target::Ignore,
    }
}

impl Target {
    /// The kind of contact point that the column lists, if it lists any.
    #[must_use]
    pub fn contact_kind(&self) -> Option<ContactKind> {
        match self {
            Self::Field { field, .. } => field.contact_kind(),
            Self::Ignore | Self::Reference => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strings(line: &str) -> Vec<String> {
        line.split(',').map(str::to_owned).collect()
    }

    fn map(headers: &str, row: &[&str]) -> Result<Mapped, Unreadable> {
        let fields = row.iter().map(|value| (*value).to_owned()).collect();
        Mapping::guess(&strings(headers), "test").map(Row { line: 2, fields })
    }

    fn text(draft: &Draft, field: Field) -> Option<&str> {
        match draft.fields.0.get(&field) {
            Some(FieldValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn reason(headers: &str, row: &[&str]) -> String {
        map(headers, row).unwrap_err().reason
    }

    #[test]
    fn a_plain_export_is_recognised_however_its_columns_are_spelled() {
        let northwind = Mapping::guess(
            &strings(
                "customerID,companyName,contactName,contactTitle,address,city,region,postalCode,country,phone,fax",
            ),
            "x",
        );
        let spelled = Mapping::guess(
            &strings(
                "Customer-ID,COMPANY NAME,contact_name,Contact Title,Address, city ,Region,Postal Code,Country,Phone,FAX",
            ),
            "x",
        );
        assert_eq!(spelled.targets, northwind.targets);
        assert!(northwind.ignored().is_empty());
        assert_eq!(northwind.check(), Ok(()));
    }

    #[test]
    fn a_row_becomes_a_company_and_its_person() {
        let mapped = map(
            "id,company,contact name,job title,address,phone,fax,email,shoe size",
            &[
                "7",
                "Bon app'",
                "Laurence Lebihan",
                "Owner",
                "12, rue des Bouchers",
                "91.24.45.40",
                "91.24.45.41",
                "l@bon.fr",
                "38",
            ],
        )
        .unwrap();
        assert_eq!(
            mapped.reference,
            Some(ExternalRef {
                source: "test".to_owned(),
                key: "7".to_owned()
            })
        );
        let (company, person) = (mapped.company.unwrap(), mapped.person.unwrap());
        assert_eq!(company.name(), "Bon app'");
        assert_eq!(text(&company, Field::Kind), Some("company"));
        assert_eq!(text(&company, Field::Stage), Some("customer"));
        assert_eq!(
            company.fields.0[&Field::Phones],
            FieldValue::List(vec!["91.24.45.40".to_owned(), "91.24.45.41".to_owned()])
        );
        assert_eq!(company.label(Field::Phones, "91.24.45.41"), "fax");
        assert_eq!(company.label(Field::Phones, "91.24.45.40"), "");
        assert_eq!(
            (person.name(), text(&person, Field::JobTitle)),
            ("Laurence Lebihan", Some("Owner"))
        );
        assert_eq!(text(&person, Field::Kind), Some("person"));
        assert!(person.fields.0.contains_key(&Field::Emails));
        assert!(!person.fields.0.contains_key(&Field::Street));
    }

    #[test]
    fn words_for_nothing_leave_no_field() {
        for word in ["NULL", "null", " N/A ", "-", "", "  "] {
            let mapped = map("company,city,contact", &["A", word, word]).unwrap();
            assert!(
                !mapped.company.unwrap().fields.0.contains_key(&Field::City),
                "{word:?}"
            );
            assert_eq!(mapped.person, None, "{word:?}");
        }
        let mut mapping = Mapping::guess(&strings("company,city"), "x");
        mapping.nothing = vec!["?".to_owned()];
        let mapped = mapping
            .map(Row {
                line: 2,
                fields: strings("NULL,?"),
            })
            .unwrap();
        assert_eq!(mapped.company.unwrap().name(), "NULL");
    }

    #[test]
    fn a_number_that_is_phone_and_fax_is_kept_once_as_a_phone() {
        let company = map("company,phone,fax", &["A", "90-224 8858", "90-224 8858"])
            .unwrap()
            .company
            .unwrap();
        assert_eq!(
            company.fields.0[&Field::Phones],
            FieldValue::List(vec!["90-224 8858".to_owned()])
        );
        assert!(company.labels.is_empty());
        let spaced = map("company,phone,fax", &["A", "90-224 8858", "902248858"])
            .unwrap()
            .company
            .unwrap();
        assert_eq!(
            spaced.fields.0[&Field::Phones],
            FieldValue::List(vec!["90-224 8858".to_owned()])
        );
        assert!(spaced.labels.is_empty());
    }

    #[test]
    fn several_columns_fill_one_field_in_their_order() {
        let mapped = map(
            "First name,Last name,Address 1,Address 2,E-mail,Mobile",
            &[
                "Ada",
                "Lovelace",
                "12 St James's Sq\nLondon,\r\n",
                "2nd floor",
                "a@b.uk\nc@d.uk",
                "07 123",
            ],
        )
        .unwrap();
        let person = mapped.person.unwrap();
        assert_eq!((person.name(), mapped.company), ("Ada Lovelace", None));
        assert_eq!(
            text(&person, Field::Street),
            Some("12 St James's Sq, London, 2nd floor")
        );
        assert_eq!(
            person.fields.0[&Field::Emails],
            FieldValue::List(strings("a@b.uk,c@d.uk"))
        );
        assert_eq!(person.label(Field::Phones, "07 123"), "mobile");
    }

    #[test]
    fn a_reason_names_every_column_that_is_wrong() {
        assert_eq!(
            reason("company,phone,website", &["A", "none", "javascript:x"]),
            "“phone”: “none” is not a phone number. “website”: “javascript:x” is not a web address; it begins with https:// or http://."
        );
        assert!(reason("company", &["a\0b"]).starts_with("“company”: "));
        assert!(reason("company", &[&"x".repeat(1 << 20)]).contains("at most 200 characters"));
    }

    #[test]
    fn what_a_record_needs_must_be_there() {
        assert_eq!(
            reason("id,company", &["NULL", "A"]),
            "“id” has no value: the row could not be known again."
        );
        assert_eq!(
            reason("company,city", &["", "Bern"]),
            "“company” has no value, but “city” has."
        );
        assert_eq!(
            reason("company,position", &["A", "Owner"]),
            "“position” has a value, but no column has the name it belongs to."
        );
        assert_eq!(
            reason("company,shoes", &["-", "38"]),
            "The row names neither a company nor a person."
        );
    }

    #[test]
    fn a_mapping_without_a_name_is_refused_before_any_row() {
        let mapping = Mapping::guess(&strings("colour,size"), "x");
        assert_eq!(
            mapping.check(),
            Err("No column names a company or a person. The columns are: colour, size.".to_owned())
        );
        assert_eq!(mapping.ignored(), ["colour", "size"]);
    }

    #[test]
    fn formulas_and_html_are_text_like_any_other() {
        let company = map("company,city", &["=cmd()", "<b>"]).unwrap().company.unwrap();
        assert_eq!(
            (company.name(), text(&company, Field::City)),
            ("=cmd()", Some("<b>"))
        );
    }

    #[test]
    fn a_source_is_the_stem_of_the_file_however_hostile_its_name() {
        for (file, source) in [
            ("Northwind-Customers.csv", "northwind-customers"),
            ("../../etc/passwd", "passwd"),
            ("C:\\data\\Kunden.2026.csv", "kunden.2026"),
            ("", "file"),
            (".csv", "file"),
            ("a\0\nb.csv", "ab"),
        ] {
            assert_eq!(source_of(file), source, "{file:?}");
        }
        assert_eq!(source_of(&"é".repeat(10_000)).chars().count(), SOURCE_MAX);
    }

    proptest! {
        #[test]
        fn any_row_is_mapped_or_refused(
            headers in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(vec![
                        "id", "company", "contact", "name", "jobtitle", "phone", "fax", "email", "tags", "stage", "address",
                    ]).prop_map(str::to_owned),
                    r"\PC{0,8}",
                ],
                0..8,
            ),
            fields in prop::collection::vec(any::<String>(), 0..10),
        ) {
            let mapping = Mapping::guess(&headers, "x");
            match mapping.map(Row { line: 7, fields }) {
                Ok(mapped) => {
                    prop_assert!(mapped.company.is_some() || mapped.person.is_some());
                    for draft in [mapped.company, mapped.person].into_iter().flatten() {
                        prop_assert!(!draft.name().is_empty());
                        prop_assert!(draft.fields.0.contains_key(&Field::Kind));
                        prop_assert!(draft.fields.0.contains_key(&Field::Stage));
                    }
                }
                Err(bad) => prop_assert!(bad.line == 7 && bad.reason.ends_with('.')),
            }
        }
    }
}
