//! Customers: people and companies, their fields, and the rules of each field.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeSeq};
use uuid::Uuid;

use crate::{
    access::words,
    error::FieldErrors,
    form::Values,
    id::{ContactPointId, CustomerId, TeamId, UserId},
    text,
    timeline::Moment,
};

/// The most e-mails, phones or links that one customer has, each.
pub const CONTACT_POINTS_MAX: usize = 20;
/// The most tags on one customer.
pub const TAGS_MAX: usize = 20;
/// The longest tag, in characters.
pub const TAG_MAX: usize = 40;

/// A human being or an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerKind {
    /// A human being, who may belong to a company.
    Person,
    /// An organisation.
    Company,
}
words!(CustomerKind: Person = "person", Company = "company");

/// How far the relation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Might become one.
    Lead,
    /// Is being won.
    Prospect,
    /// Buys.
    Customer,
    /// Bought once.
    Former,
}
words!(Stage: Lead = "lead", Prospect = "prospect", Customer = "customer", Former = "former");

impl Stage {
    /// The name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Lead => "Lead",
            Self::Prospect => "Prospect",
            Self::Customer => "Customer",
            Self::Former => "Former",
        }
    }
}

impl CustomerKind {
    /// The name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Person => "Person",
            Self::Company => "Company",
        }
    }
}

/// A way to reach a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactKind {
    /// An e-mail address.
    Email,
    /// A phone or fax number.
    Phone,
    /// A web address.
    Link,
}
words!(ContactKind: Email = "email", Phone = "phone", Link = "link");

impl ContactKind {
    /// The field of the customer that lists this kind.
    #[must_use]
    pub fn field(self) -> Field {
        match self {
            Self::Email => Field::Emails,
            Self::Phone => Field::Phones,
            Self::Link => Field::Links,
        }
    }

    /// Checks one value and cleans it.
    ///
    /// # Errors
    /// A sentence that names what is wrong.
    pub fn parse(self, raw: &str) -> Result<String, String> {
        let value = text::line(raw)?;
        match self {
            Self::Email if !looks_like_email(&value) => Err(format!("“{value}” is not an e-mail address.")),
            Self::Phone if value.chars().filter(char::is_ascii_digit).count() < 3 => {
                Err(format!("“{value}” is not a phone number."))
            }
            Self::Link if !looks_like_link(&value) => Err(format!(
                "“{value}” is not a web address; it begins with https:// or http://."
            )),
            _ => Ok(value),
        }
    }

    /// The form in which two values are compared: e-mails and links in lower case, phones as their digits.
    #[must_use]
    pub fn normalise(self, value: &str) -> String {
        match self {
            Self::Email | Self::Link => value.to_lowercase(),
            Self::Phone => value
                .chars()
                .filter(|c| c.is_ascii_digit() || *c == '+')
                .collect(),
        }
    }
}

/// One `@` with something before it and a name after it, no blanks: what RFC 5321 allows is wider, what people use is not.
#[must_use]
pub fn looks_like_email(value: &str) -> bool {
    let Some((local, host)) = value.split_once('@') else {
        return false;
    };
    let sound =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@<>,;\"".contains(c));
    sound(local) && sound(host) && !host.starts_with('.') && !host.ends_with('.')
}

fn looks_like_link(value: &str) -> bool {
    let lower = value.to_lowercase();
    let rest = lower
        .strip_prefix("https://")
        .or_else(|| lower.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}

/// A field of the customer, as forms, the journal and conflicts name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The full name.
    Name,
    /// Person or company.
    Kind,
    /// Lead, prospect, customer, former.
    Stage,
    /// What the person does there.
    JobTitle,
    /// The company the person belongs to.
    Company,
    /// Who looks after it; sets the team as well.
    Owner,
    /// E-mail addresses, one a line.
    Emails,
    /// Phone numbers, one a line.
    Phones,
    /// Web addresses, one a line.
    Links,
    /// Street and number.
    Street,
    /// Postal code.
    PostalCode,
    /// City.
    City,
    /// Region, state, province.
    Region,
    /// Country.
    Country,
    /// Words to group by, separated by commas.
    Tags,
}
words!(Field: Name = "name", Kind = "kind", Stage = "stage", JobTitle = "job_title", Company = "company_id",
    Owner = "owner_id", Emails = "emails", Phones = "phones", Links = "links", Street = "street",
    PostalCode = "postal_code", City = "city", Region = "region", Country = "country", Tags = "tags");

/// The value of a field after its rules were applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// A reference to another record.
    Id(Uuid),
    /// A text that is not empty.
    Text(String),
    /// Tags, or contact points in their order.
    List(Vec<String>),
    /// Nothing.
    Nothing,
}

impl Field {
    /// The name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Kind => "Kind",
            Self::Stage => "Stage",
            Self::JobTitle => "Job title",
            Self::Company => "Company",
            Self::Owner => "Owner",
            Self::Emails => "E-mail",
            Self::Phones => "Phone",
            Self::Links => "Links",
            Self::Street => "Street",
            Self::PostalCode => "Postal code",
            Self::City => "City",
            Self::Region => "Region",
            Self::Country => "Country",
            Self::Tags => "Tags",
        }
    }

    /// The kind of contact point that this field lists, if it lists any.
    #[must_use]
    pub fn contact_kind(self) -> Option<ContactKind> {
        match self {
            Self::Emails => Some(ContactKind::Email),
            Self::Phones => Some(ContactKind::Phone),
            Self::Links => Some(ContactKind::Link),
            _ => None,
        }
    }

    /// Applies the field's rules to what was typed.
    ///
    /// # Errors
    /// A sentence for the field.
    pub fn parse(self, raw: &str) -> Result<FieldValue, String> {
        let word = |known: bool| {
            if known {
                Ok(FieldValue::Text(raw.to_owned()))
            } else {
                Err("Please pick one of the list.".to_owned())
            }
        };
        match self {
            Self::Name => text::required_line(raw, "Please give a name.").map(FieldValue::Text),
            Self::Kind => word(raw.parse::<CustomerKind>().is_ok()),
            Self::Stage => word(raw.parse::<Stage>().is_ok()),
            Self::Company | Self::Owner => parse_reference(raw),
            Self::Tags => parse_tags(raw).map(FieldValue::List),
            Self::Emails | Self::Phones | Self::Links => self.parse_contacts(raw).map(FieldValue::List),
            Self::JobTitle | Self::Street | Self::PostalCode | Self::City | Self::Region | Self::Country => {
                Ok(text::non_empty(text::line(raw)?).map_or(FieldValue::Nothing, FieldValue::Text))
            }
        }
    }

    fn parse_contacts(self, raw: &str) -> Result<Vec<String>, String> {
        let Some(kind) = self.contact_kind() else {
            return Ok(Vec::new());
        };
        let mut seen = BTreeSet::new();
        let mut values = Vec::new();
        for line in raw.lines().filter(|line| !line.trim().is_empty()) {
            let value = kind.parse(line)?;
            if seen.insert(kind.normalise(&value)) {
                values.push(value);
            }
            if values.len() > CONTACT_POINTS_MAX {
                return Err(format!("Please give at most {CONTACT_POINTS_MAX}."));
            }
        }
        Ok(values)
    }
}

fn parse_reference(raw: &str) -> Result<FieldValue, String> {
    match raw.trim() {
        "" => Ok(FieldValue::Nothing),
        id => Uuid::try_parse(id)
            .map(FieldValue::Id)
            .map_err(|_| "Please pick one of the list.".to_owned()),
    }
}

/// One tag, checked; empty where nothing was typed.
pub(crate) fn parse_tag(raw: &str) -> Result<String, String> {
    let tag = text::line(raw)?;
    if tag.contains(',') {
        return Err("A tag has no comma in it.".to_owned());
    }
    if tag.chars().count() > TAG_MAX {
        return Err(format!("A tag has at most {TAG_MAX} characters."));
    }
    Ok(tag)
}

fn parse_tags(raw: &str) -> Result<Vec<String>, String> {
    let mut seen = BTreeSet::new();
    let mut tags = Vec::new();
    for part in raw.split([',', '\n']) {
        let tag = parse_tag(part)?;
        if !tag.is_empty() && seen.insert(tag.to_lowercase()) {
            tags.push(tag);
        }
        if tags.len() > TAGS_MAX {
            return Err(format!("Please use at most {TAGS_MAX} tags."));
        }
    }
    Ok(tags)
}

/// Checked fields, for a new customer or for a change of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerPatch(pub BTreeMap<Field, FieldValue>);

impl CustomerPatch {
    /// Checks every field of the customer that the form sent; others are left alone.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut fields = BTreeMap::new();
        for &field in Field::EVERY.iter().filter(|field| values.has(field.word())) {
            if let Some(value) = errors.take(field.word(), field.parse(values.get(field.word()))) {
                fields.insert(field, value);
            }
        }
        if errors.is_empty() {
            Ok(Self(fields))
        } else {
            Err(errors)
        }
    }
}

/// A checked new customer. Its id was minted with the form, so that a double post makes one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomer {
    /// The id it will have.
    pub id: CustomerId,
    /// Its fields; name, kind and stage are always there.
    pub fields: CustomerPatch,
}

impl NewCustomer {
    /// Checks a form. Without a kind it is a person, without a stage a lead.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values) -> Result<Self, FieldErrors> {
        let mut values = values.clone();
        for (field, default) in [(Field::Name, ""), (Field::Kind, "person"), (Field::Stage, "lead")] {
            if !values.has(field.word()) {
                values.set(field.word(), default);
            }
        }
        let id = values
            .get("id")
            .parse()
            .map_err(|_| FieldErrors::one("form", "Please open the form again."));
        match (id, CustomerPatch::parse(&values)) {
            (Ok(id), Ok(fields)) => Ok(Self { id, fields }),
            (Err(mut errors), Err(more)) => {
                errors.0.extend(more.0);
                Err(errors)
            }
            (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => Err(errors),
        }
    }
}

/// Another record that this one points to, as far as the viewer may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Related<Id> {
    /// The viewer may see it.
    Seen(Id, String),
    /// It exists, but not for this viewer.
    NoAccess,
}

/// The most people that a company's page lists.
pub const PEOPLE_LISTED: usize = 50;

/// An e-mail address, phone number or link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactPoint {
    /// Its id.
    pub id: ContactPointId,
    /// What it is.
    pub kind: ContactKind,
    /// As typed.
    pub value: String,
    /// "work", "fax"; may be empty.
    pub label: String,
}

/// A name by which another system knows the customer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExternalRef {
    /// The other system.
    pub source: String,
    /// The customer's key there.
    pub key: String,
}

/// What the viewer may do with this record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct May {
    /// Change fields, write notes.
    pub update: bool,
    /// Move to the trash and back.
    pub delete: bool,
    /// Change the owner.
    pub assign: bool,
    /// Write notes.
    pub note: bool,
    /// Book appointments for it.
    pub book: bool,
}

/// A customer, whole, as one viewer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// Counts up with every change; a save names the one it saw.
    pub version: i64,
    /// Person or company.
    pub kind: CustomerKind,
    /// How far the relation has come.
    pub stage: Stage,
    /// Full name.
    pub name: String,
    /// What the person does there.
    pub job_title: Option<String>,
    /// The company the person belongs to.
    pub company: Option<Related<CustomerId>>,
    /// Who looks after it.
    pub owner: Option<(UserId, String)>,
    /// The team it belongs to.
    pub team: Option<(TeamId, String)>,
    /// Street and number.
    pub street: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Region, state, province.
    pub region: Option<String>,
    /// Country.
    pub country: Option<String>,
    /// Words to group by.
    pub tags: Vec<String>,
    /// E-mails, phones and links in their order.
    pub contact_points: Vec<ContactPoint>,
    /// Names in other systems.
    pub external_refs: Vec<ExternalRef>,
    /// The people of a company, as far as the viewer may see them, at most 50.
    pub people: Vec<PersonRow>,
    /// When it was made.
    pub created: Moment,
    /// When it was last changed.
    pub updated: Moment,
    /// Whether it lies in the trash.
    pub deleted: bool,
    /// What the viewer may do.
    pub may: May,
}

/// A person of a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRow {
    /// Their id.
    pub id: CustomerId,
    /// Full name.
    pub name: String,
    /// What they do there.
    pub job_title: Option<String>,
}

impl Customer {
    /// The values of one kind of contact point, in order.
    pub fn contacts(&self, kind: ContactKind) -> impl Iterator<Item = &ContactPoint> {
        self.contact_points.iter().filter(move |point| point.kind == kind)
    }

    /// A field as a form shows it: what [`Field::parse`] would read back to the same value.
    #[must_use]
    pub fn raw(&self, field: Field) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        match field {
            Field::Name => self.name.clone(),
            Field::Kind => self.kind.word().to_owned(),
            Field::Stage => self.stage.word().to_owned(),
            Field::JobTitle => text(&self.job_title),
            Field::Company => match &self.company {
                Some(Related::Seen(id, _)) => id.to_string(),
                _ => String::new(),
            },
            Field::Owner => self
                .owner
                .as_ref()
                .map(|(id, _)| id.to_string())
                .unwrap_or_default(),
            Field::Street => text(&self.street),
            Field::PostalCode => text(&self.postal_code),
            Field::City => text(&self.city),
            Field::Region => text(&self.region),
            Field::Country => text(&self.country),
            Field::Tags => self.tags.join(", "),
            Field::Emails | Field::Phones | Field::Links => {
                let lines = self
                    .contact_points
                    .iter()
                    .filter(|point| point.kind.field() == field);
                lines
                    .map(|point| point.value.as_str())
                    .collect::<Vec<_>>()
                    .join("\n")
            }
        }
    }
}

/// A customer as a line in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerRow {
    /// Its id.
    pub id: CustomerId,
    /// Its version.
    pub version: i64,
    /// Person or company.
    pub kind: CustomerKind,
    /// How far the relation has come.
    pub stage: Stage,
    /// Full name.
    pub name: String,
    /// For a person their company, for a company its first person; empty when there is none or none to see.
    pub contact: String,
    /// First e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// First phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Who looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<(UserId, String)>,
    /// City.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Country. It stays on the server, as the tags do: no page's list shows them.
    #[serde(skip)]
    pub country: Option<String>,
    /// Words to group by.
    #[serde(default, serialize_with = "left_out")]
    pub tags: Vec<String>,
    /// When it was last changed.
    pub updated: Moment,
}

/// Writes none: programs of browsers that are older than the server wait for a list.
fn left_out<S: Serializer>(_: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_seq(Some(0))?.end()
}

/// What keyset paging continues from, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerPage {
    /// At most as many as asked for.
    pub rows: Vec<CustomerRow>,
    /// The cursor of the following page, if there is one.
    pub next: Option<String>,
    /// The cursor of the page before, if there is one.
    pub previous: Option<String>,
    /// How many there are in all.
    pub total: Total,
    /// True when a search found more than it ranked.
    pub more_matches: bool,
}

/// How many rows there are, as exactly as is cheap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Total {
    /// Counted.
    Exactly(u64),
    /// Counting stopped here.
    AtLeast(u64),
    /// From the table's statistics.
    About(u64),
}

/// What the palette and the comboboxes show for a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerHit {
    /// Its id.
    pub id: CustomerId,
    /// Person or company.
    pub kind: CustomerKind,
    /// Full name.
    pub name: String,
    /// Company, city or e-mail: what tells two of one name apart.
    pub hint: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_customer_needs_a_name_and_an_id() {
        let errors = NewCustomer::parse(&Values::default()).unwrap_err();
        assert_eq!(errors.get("name"), Some("Please give a name."));
        assert!(errors.get("form").is_some());
    }

    #[test]
    fn every_field_error_is_said_at_once() {
        let values = Values::default()
            .with("name", " ")
            .with("emails", "no")
            .with("links", "javascript:alert(1)");
        let errors = CustomerPatch::parse(&values).unwrap_err();
        assert_eq!(errors.0.keys().collect::<Vec<_>>(), ["emails", "links", "name"]);
    }

    #[test]
    fn a_patch_holds_only_what_was_sent() {
        let patch = CustomerPatch::parse(&Values::default().with("city", "")).unwrap();
        assert_eq!(patch.0, BTreeMap::from([(Field::City, FieldValue::Nothing)]));
    }

    #[test]
    fn tags_are_split_cleaned_and_not_doubled() {
        assert_eq!(
            Field::Tags.parse(" wholesale, Nordics ,,WHOLESALE"),
            Ok(FieldValue::List(vec![
                "wholesale".to_owned(),
                "Nordics".to_owned()
            ]))
        );
    }

    #[test]
    fn phones_compare_by_their_digits() {
        assert_eq!(
            Field::Phones.parse("(5) 555-4729\n5 555 4729"),
            Ok(FieldValue::List(vec!["(5) 555-4729".to_owned()]))
        );
    }

    #[test]
    fn e_mail_addresses_are_told_from_other_text() {
        for good in ["a@b", "maria.anders@alfreds.de", "ä@ö.se"] {
            assert!(looks_like_email(good), "{good}");
        }
        for bad in ["", "a", "@b", "a@", "a b@c", "a@b@c", "a@.b", "<a@b>", "a@b,c@d"] {
            assert!(!looks_like_email(bad), "{bad}");
        }
    }
}
