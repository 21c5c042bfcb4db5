//! Files on their way in and out, by their addresses.

use http::StatusCode;
use rapport_domain::id::ImportId;
use rapport_service::import::PIECE_MAX;

use crate::browser::{Answer, Browser, Site};

const CSV: &[u8] = b"Name,E-mail\nAda,ada@example.org\n=cmd(),x\n";

async fn begun(browser: &mut Browser, site: &Site, size: usize) -> String {
    let id = site.house.service.clock().new_id::<ImportId>();
    let path = format!("/imports/upload?id={id}&file=..%2Flist.csv&size={size}");
    let answer = browser.transfer("POST", &path, b"").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    id.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_in_by_its_pieces_and_stands_on_its_page() {
    let (site, mut browser) = Site::with_admin().await;
    let id = begun(&mut browser, &site, CSV.len()).await;
    let path = format!("/imports/{id}/file");

    let far = browser.transfer("PUT", &format!("{path}?at=9"), CSV).await;
    assert!(far.body.contains("\"bytes\":0"), "{}", far.body);
    let here = browser.transfer("PUT", &format!("{path}?at=0"), CSV).await;
    assert!(here.body.contains("\"complete\":true"), "{}", here.body);

    let page = browser.get(&format!("/imports/{id}")).await;
    assert_eq!(page.status, StatusCode::OK);
    for part in ["list.csv", "E-mail", "ada@example.org", "Check what it would do"] {
        assert!(page.body.contains(part), "{part}");
    }
    assert!(!page.body.contains(".."), "the name of a file is only a name");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_file_is_said_under_its_field() {
    let (site, mut browser) = Site::with_admin().await;
    let picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let id = begun(&mut browser, &site, picture.len()).await;
    let refused = browser
        .transfer("PUT", &format!("/imports/{id}/file?at=0"), picture)
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("\"file\""), "{}", refused.body);
    assert_eq!(
        browser.get(&format!("/imports/{id}")).await.status,
        StatusCode::NOT_FOUND
    );

    for (query, status) in [
        ("id=1&file=a&size=1", 422),
        ("file=a", 422),
        ("id=01933d3e-0000-7000-8000-000000000001&file=a.csv&size=0", 422),
        ("id=01933d3e-0000-7000-8000-000000000001&file=a.pdf&size=10", 422),
        (
            "id=01933d3e-0000-7000-8000-000000000001&file=a.csv&size=999999999999",
            422,
        ),
    ] {
        let answer = browser
            .transfer("POST", &format!("/imports/upload?{query}"), b"")
            .await;
        assert_eq!(answer.status.as_u16(), status, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_fills_the_disk_with_files_that_wait() {
    let (site, mut browser) = Site::with_admin().await;
    let mut begin = async |file: &str| {
        let id: ImportId = site.house.service.clock().new_id();
        let path = format!("/imports/upload?id={id}&file={file}&size={}", 512 << 20);
        (id, browser.transfer("POST", &path, b"").await)
    };
    for file in ["a.csv", "b.csv", "c.csv", "d.csv"] {
        assert_eq!(begin(file).await.1.status, StatusCode::OK, "{file}");
    }
    let (_, more) = begin("e.csv").await;
    assert_eq!(more.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(more.body.contains("more than 2 GB"), "{}", more.body);

    let gone = "DELETE FROM import WHERE file = 'a.csv'";
    site.house.database.run(gone).await;
    assert_eq!(begin("e.csv").await.1.status, StatusCode::OK);
    let ben = site
        .house
        .user(rapport_domain::access::BuiltInRole::Admin, None)
        .await;
    let mut other = site.signed_in(ben).await;
    let id: ImportId = site.house.service.clock().new_id();
    let path = format!("/imports/upload?id={id}&file=a.csv&size=1000");
    let own = other.transfer("POST", &path, b"").await;
    assert_eq!(own.status, StatusCode::OK, "everybody has their own room");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_that_is_too_large_or_comes_from_another_site_is_refused() {
    let (site, mut browser) = Site::with_admin().await;
    let id = begun(&mut browser, &site, PIECE_MAX * 3).await;
    let path = format!("/imports/{id}/file?at=0");

    let large = browser.transfer("PUT", &path, &vec![b'x'; PIECE_MAX + 1]).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    let small = browser.transfer("PUT", &path, CSV).await;
    assert_eq!(
        small.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a piece in the middle has a least size"
    );
    let forged = browser
        .clone()
        .header("origin", "https://evil.example")
        .transfer("PUT", &path, CSV)
        .await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_a_file_to_keep_in_which_nothing_computes() {
    let (site, mut browser) = Site::with_admin().await;
    let ctx = site.ctx(rapport_domain::access::BuiltInRole::Admin, None).await;
    site.customer(&ctx, &[("name", "=1+1"), ("city", "Bath")]).await;
    site.customer(&ctx, &[("name", "Ben"), ("city", "York")]).await;

    let file = browser.get("/customers/export.csv?city=bath").await;

    assert_eq!(file.status, StatusCode::OK);
    assert!(file.header("content-disposition").starts_with("attachment"));
    assert!(
        file.body.contains(",'=1+1,") && !file.body.contains("Ben"),
        "{}",
        file.body
    );
    let bad = browser.get("/customers/export.csv?size=-1").await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    let stranger = site.browser().get("/customers/export.csv?size=-1").await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "who asks comes first");
}

/// Puts a whole file up; gives the answer to its last piece.
async fn put_up(browser: &mut Browser, site: &Site, name: &str, bytes: &[u8]) -> (String, Answer) {
    let id = site.house.service.clock().new_id::<ImportId>().to_string();
    let size = bytes.len();
    let begin = format!("/imports/upload?id={id}&file={name}&size={size}");
    let mut answer = browser.transfer("POST", &begin, b"").await;
    for (place, piece) in bytes.chunks(PIECE_MAX).enumerate() {
        let at = place * PIECE_MAX;
        let path = format!("/imports/{id}/file?at={at}");
        answer = browser.transfer("PUT", &path, piece).await;
    }
    (id, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_and_names_are_taken_or_refused_but_break_nothing() {
    let (site, mut browser) = Site::with_admin().await;
    let long = format!("Name,City\nAda,{}\nBen,Bath\n", "x".repeat((1 << 20) + 1));
    let columns = vec!["c"; 1_500].join(",");
    for (bytes, status) in [
        (b"".to_vec(), 422),
        (b"Name,City\n".to_vec(), 422),
        (columns.into_bytes(), 422),
        (b"Name,City\nAda,\"never closed\nBen,Bath\n".to_vec(), 200),
        (b"Name,City\nA\xF6a,K\xF6ln\n".to_vec(), 200),
        (b"Name,City\n=cmd(),+1\n".to_vec(), 200),
        (long.into_bytes(), 200),
    ] {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(30)]).into_owned();
        let (id, answer) = put_up(&mut browser, &site, "a.csv", &bytes).await;
        assert_eq!(answer.status.as_u16(), status, "{shown}: {}", answer.body);
        let page = browser.get(&format!("/imports/{id}")).await;
        assert_eq!(
            page.status.as_u16(),
            if status == 200 { 200 } else { 404 },
            "{shown}"
        );
    }
    for (name, shown) in [
        ("..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("a%0D%0Ab.csv", "ab.csv"),
        ("%E2%80%AEvsc.csv", "vsc.csv"),
        ("%3Cimg%20src=x%3E.csv", "&lt;img src=x&gt;.csv"),
        ("%F0%9F%8C%BC.csv", "🌼.csv"),
    ] {
        let (id, answer) = put_up(&mut browser, &site, name, CSV).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.body);
        let page = browser.get(&format!("/imports/{id}")).await;
        assert!(
            page.body.contains(shown),
            "{name}: {}: {}",
            page.status,
            page.body
        );
        assert!(!page.body.contains("<img src=x>"), "{name}: {}", page.body);
    }
    for name in ["customers.xlsx", "customers.csv.exe", "%3Cimg%20src=x%3E.html"] {
        let (_, answer) = put_up(&mut browser, &site, name, CSV).await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "there is nothing to put {name} into"
        );
    }
    let (id, _) = put_up(&mut browser, &site, &"x".repeat(500), CSV).await;
    assert_eq!(
        browser.get(&format!("/imports/{id}")).await.status,
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mended_rows_come_back_as_a_file_and_join_their_import() {
    let (site, mut browser) = Site::with_admin().await;
    let file = include_bytes!("../../../domain/tests/data/northwind-customers.csv");
    let (id, _) = put_up(&mut browser, &site, "northwind.csv", file).await;
    browser.post(&format!("/imports/{id}/run"), &[]).await;
    rapport_service::job::Worker::new(&site.house.service)
        .work_off()
        .await
        .unwrap();

    let rows = browser.get(&format!("/imports/{id}/problems.csv")).await;
    assert_eq!(rows.status, StatusCode::OK);
    assert_eq!(rows.body.lines().count(), 25);
    // The address had a comma: what it parted belongs together.
    let mended: String = rows
        .body
        .lines()
        .enumerate()
        .map(|(place, line)| match place {
            0 => format!("{line}\n"),
            _ => {
                let values: Vec<_> = line.split(',').collect();
                let (head, rest) = values.split_at(5);
                format!(
                    "{},\"{},{}\",{}\n",
                    head.join(","),
                    rest[0].trim_matches('"'),
                    rest[1].trim_matches('"'),
                    rest[2..].join(",")
                )
            }
        })
        .collect();
    let path = format!("/imports/{id}/mended");
    let other = browser.transfer("PUT", &path, CSV).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        other.body.contains("its columns are other ones"),
        "{}",
        other.body
    );
    let taken = browser.transfer("PUT", &path, mended.as_bytes()).await;
    assert_eq!(taken.body, r#"{"taken":24,"still":0,"unknown":0}"#);
    let twice = browser.transfer("PUT", &path, mended.as_bytes()).await;
    assert_eq!(twice.body, r#"{"taken":0,"still":0,"unknown":24}"#);

    let page = browser.get(&format!("/imports/{id}")).await;
    assert!(page.body.contains("91 companies, 91 people"), "all in");
}
