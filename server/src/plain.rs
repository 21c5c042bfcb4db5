//! Pages in plain HTML, for when the application cannot be asked: they need neither PostgreSQL nor Redis.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use kit::door::SECRETS;
use rapport_domain::{error::AppError, form::Values};

use crate::headers;

/// A page with a heading and a paragraph.
#[must_use]
pub fn page(status: StatusCode, title: &str, text: &str, style: &str) -> Response {
    html(status, title, &format!("<p>{}</p>", escape(text)), style)
}

/// The page for an error that keeps the application from answering.
#[must_use]
pub fn fault(error: &AppError, style: &str) -> Response {
    let text = format!("<p>{}</p>", escape(&error.to_string()));
    about(error, &text, style)
}

/// The page for a form that could not be looked at: it holds what was typed, to be sent again.
#[must_use]
pub fn send_again(error: &AppError, path: &str, values: &Values, style: &str) -> Response {
    let typed = values
        .0
        .iter()
        .filter(|(name, _)| !SECRETS.contains(&name.as_str()));
    let fields: String = typed
        .map(|(name, value)| {
            format!(
                "<textarea name=\"{}\" hidden>\n{}</textarea>",
                escape(name),
                escape(value)
            )
        })
        .collect();
    let hint = match error {
        AppError::Unauthenticated => {
            "<p>Your session has ended. <a href=\"/sign-in\" target=\"_blank\">Sign in in another tab</a>, then send this again.</p>"
        }
        _ => "",
    };
    let body = format!(
        "<p>{}</p>{hint}<form method=\"post\" action=\"{}\">{fields}<button type=\"submit\">Send again</button></form>",
        escape(&error.to_string()),
        escape(path),
    );
    about(error, &body, style)
}

/// A page about an error, with its status and when another try is worth it.
fn about(error: &AppError, body: &str, style: &str) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = html(status, title_of(error), body, style);
    headers::say_when_again(error, response.headers_mut());
    response
}

fn title_of(error: &AppError) -> &'static str {
    match error {
        AppError::Unavailable => "Back in a moment",
        AppError::Unauthenticated => "Please sign in",
        AppError::Forbidden => "Not allowed",
        AppError::NotFound => "Not found",
        _ => "That did not work",
    }
}

fn html(status: StatusCode, title: &str, body: &str, style: &str) -> Response {
    let title = escape(title);
    let style = escape(style);
    let text = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} · Rapport</title><link rel=\"stylesheet\" href=\"{style}\"></head>\
         <body class=\"plain\"><main><h1>{title}</h1>{body}<p><a href=\"/\">To the start page</a></p></main></body></html>"
    );
    let mut response = (status, Body::from(text)).into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// Text as it may stand in HTML, between tags and in quotes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use http::header::RETRY_AFTER;

    use super::*;

    #[test]
    fn a_page_about_a_limit_says_when_another_try_is_worth_it() {
        let error = AppError::TooManyRequests { retry_after: 7 };
        let pages = [
            fault(&error, ""),
            send_again(&error, "/sign-in", &Values::default(), ""),
        ];
        for page in pages {
            assert_eq!(page.status(), StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(page.headers()[RETRY_AFTER], "7");
        }
    }

    #[tokio::test]
    async fn what_was_typed_is_there_again_as_text_and_the_password_is_not() {
        let values = Values::default()
            .with("name", "</textarea><script>")
            .with("password", "secret");
        let response = send_again(&AppError::Unavailable, "/customers/new", &values, "/pkg/a.css");
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            body.contains("<textarea name=\"name\" hidden>\n&lt;/textarea&gt;&lt;script&gt;</textarea>"),
            "{body}"
        );
        assert!(!body.contains("secret"), "{body}");
    }
}
