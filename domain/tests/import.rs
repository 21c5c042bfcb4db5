//! The real export that the foundation must take: 91 rows, 24 of them with an unquoted comma.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use rapport_domain::{
    customer::{ExternalRef, Field, FieldValue},
    import::{Dialect, Mapped, Mapping, Reader, Unreadable, source_of},
};

const FILE: &[u8] = include_bytes!("data/northwind-customers.csv");

/// The lines in which a comma stands without quotes, by `awk -F, 'NF != 11 { print NR }'`.
const BROKEN: [u64; 24] = [
    8, 9, 10, 16, 19, 22, 23, 24, 27, 30, 31, 32, 35, 41, 58, 62, 63, 68, 70, 75, 77, 82, 85, 89,
];

fn import() -> (Vec<Mapped>, Vec<Unreadable>) {
    let mut reader = Reader::new(FILE, Dialect::default()).unwrap();
    let mapping = Mapping::guess(reader.headers(), &[], &source_of("northwind-customers.csv"));
    mapping.check().unwrap();
    assert!(mapping.ignored().is_empty());
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    while let Some(row) = reader.read().unwrap() {
        match row.and_then(|row| mapping.map(row)) {
            Ok(mapped) => taken.push(mapped),
            Err(unreadable) => left.push(unreadable),
        }
    }
    (taken, left)
}

fn reference(mapped: &Mapped) -> &ExternalRef {
    mapped.company.as_ref().unwrap().reference.as_ref().unwrap()
}

#[test]
fn sixty_seven_rows_become_a_company_with_its_person() {
    let (taken, _) = import();
    assert_eq!(taken.len(), 67);
    for mapped in &taken {
        let reference = reference(mapped);
        assert_eq!(
            (reference.source.as_str(), reference.key.len()),
            ("northwind-customers", 5)
        );
        assert!(
            mapped.company.is_some() && mapped.person.is_some(),
            "line {}",
            mapped.line
        );
        let person = mapped.person.as_ref().unwrap();
        let key = format!("{}/contact/{}", reference.key, person.name().to_lowercase());
        assert_eq!(person.reference.as_ref().unwrap().key, key);
    }
}

#[test]
fn twenty_four_rows_are_named_by_line_and_reason() {
    let (_, left) = import();
    assert_eq!(left.iter().map(|row| row.line).collect::<Vec<_>>(), BROKEN);
    for row in left {
        assert_eq!(
            row.reason,
            "12 fields under a header of 11 columns; a comma inside a value needs quotes around it."
        );
        assert_eq!(row.fields.len(), 12);
    }
}

#[test]
fn accents_survive_and_null_is_nothing() {
    let (taken, _) = import();
    let find = |key: &str| taken.iter().find(|mapped| reference(mapped).key == key).unwrap();
    let text = |value: &str| Some(FieldValue::Text(value.to_owned()));

    let bergs = find("BERGS").company.as_ref().unwrap();
    assert_eq!(bergs.name(), "Berglunds snabbköp");
    assert_eq!(bergs.fields.0.get(&Field::City).cloned(), text("Luleå"));
    assert_eq!(
        bergs.fields.0.get(&Field::Street).cloned(),
        text("Berguvsvägen  8")
    );
    assert_eq!(bergs.fields.0.get(&Field::Region), None);
    assert_eq!(bergs.label(Field::Phones, "0921-12 34 67"), "fax");

    let anton = find("ANTON");
    let phones = anton.company.as_ref().unwrap().fields.0.get(&Field::Phones);
    assert_eq!(phones, Some(&FieldValue::List(vec!["(5) 555-3932".to_owned()])));
    assert_eq!(
        anton
            .person
            .as_ref()
            .unwrap()
            .fields
            .0
            .get(&Field::JobTitle)
            .cloned(),
        text("Owner")
    );

    let nothing = FieldValue::Text("NULL".to_owned());
    for draft in taken
        .iter()
        .flat_map(|mapped| [&mapped.company, &mapped.person])
        .flatten()
    {
        assert!(
            draft
                .fields
                .0
                .values()
                .all(|value| *value != nothing && *value != FieldValue::Nothing)
        );
    }
}

#[test]
fn a_row_mended_with_quotes_is_taken() {
    let mended = std::str::from_utf8(FILE)
        .unwrap()
        .replace("24, place Kléber", "\"24, place Kléber\"");
    let mut reader = Reader::new(mended.as_bytes(), Dialect::default()).unwrap();
    let mapping = Mapping::guess(reader.headers(), &[], "northwind-customers");
    while let Some(row) = reader.read().unwrap() {
        if let Ok(mapped) = row.and_then(|row| mapping.map(row)) {
            let company = mapped.company.unwrap();
            if company.name() == "Blondesddsl père et fils" {
                let street = company.fields.0.get(&Field::Street);
                assert_eq!(street, Some(&FieldValue::Text("24, place Kléber".to_owned())));
                return;
            }
        }
    }
    panic!("the mended row was not taken");
}
