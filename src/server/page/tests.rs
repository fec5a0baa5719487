//! Pages as they are asked for, over a real store: what they say, what they never hold, and that every link leads somewhere.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use axum::body::{Body, to_bytes};
use axum::extract::FromRequestParts;
use axum::http::{Request, StatusCode, header};
use regex::Regex;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::dedup;
use crate::embed::source::ModelRef;
use crate::engine::{Engine, Options, PASSAGE_TOKENS, budget, load_model};
use crate::ingest::{Job, read, run};
use crate::kernels::Isa;
use crate::server::{Server, options, router};
use crate::store::{Making, Store};

/// A server without a socket.
struct Site {
    server: Server,
    folder: tempfile::TempDir,
}

/// What a page answered.
struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

const DISPATCH: &str = "Le préfet a ordonné mardi l'évacuation de trois villages de la vallée, menacés par la crue de la rivière. \
Près de 1 240 habitants ont été accueillis dans le gymnase du bourg, où la Croix-Rouge distribue des couvertures. \
« Nous n'avons jamais vu l'eau monter aussi vite », a déclaré le colonel Maréchal, qui dirige les secours. (AFP)";

/// Articles with all that pages have to stand: versions, markup, languages, dates of every kind, keys of every kind.
fn articles() -> Vec<Value> {
    let hostile = "<script>alert(1)</script> & \"grève\"";
    vec![
        json!({"id": "crue/1.txt", "title": "Trois villages évacués", "date": "2020-03-03", "source": "Le Populaire",
            "language": "fr", "text": DISPATCH, "url": "https://example.org/crue", "rubrique": "Région"}),
        json!({"id": "crue/2.txt", "title": "Crue : trois villages évacués", "date": "2020-03-04", "source": "Vallée Matin",
            "language": "fr", "text": format!("{DISPATCH} L'école restera fermée jusqu'à jeudi."),
            "url": "javascript:alert(2)", "auteurs": ["Jeanne Roux", "Paul Petit"], "voir": "https://example.org/voir"}),
        json!({"id": "crue copie #3?&%", "title": "Évacuation", "date": "2020-03", "source": "Le Populaire", "language": "fr", "text": DISPATCH}),
        json!({"id": "../échappée", "title": hostile, "date": "2019", "source": "<b>Fil</b>", "language": "fr",
            "text": format!("La grève continue à l'hôpital. {hostile}. Les urgences n'accueillent plus que les cas graves, dit la direction."),
            "note": {"profonde": "</script>"}}),
        json!({"id": "flood-en", "title": "Villages evacuated", "language": "en", "source": "Valley Post",
            "text": "Three villages in the valley were evacuated on Tuesday as the river rose. Some 1,240 people spent the night in a gymnasium."}),
    ]
}

impl Site {
    fn new(articles: &[Value]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("articles.jsonl");
        let lines: Vec<String> = articles.iter().map(Value::to_string).collect();
        fs_err::write(&input, lines.join("\n")).unwrap();
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden/bert");
        let (embedder, identity) = load_model(&ModelRef::Local(model), &Options::default()).unwrap();
        let making = Making { model: identity, passage_tokens: PASSAGE_TOKENS };
        let at = folder.path().join("store");
        let mut store = Store::open_to_write(&at, &making).unwrap();
        let job = Job {
            inputs: &[read::Input::Path(input)],
            options: &read::Options::default(),
            budget: budget(PASSAGE_TOKENS, &embedder),
            workers: 1,
            cache: None,
            stop: &AtomicBool::new(false),
            until: None,
        };
        let summary = run(&mut store, &embedder, &job, &mut |_| {}).unwrap();
        assert_eq!(summary.added as usize, articles.len());
        drop(store);
        let engine = Engine::open(&at, Options::default()).unwrap();
        let options = options::Options { writes: false, threads: 1, ..options::Options::default() };
        Self { server: Server::start(&engine, options).unwrap(), folder }
    }

    /// The same, with its copies known.
    fn compared(articles: &[Value]) -> Self {
        let site = Self::new(articles);
        dedup::caught_up(&site.store(), Isa::best(), &mut |_| {}).unwrap();
        site
    }

    fn store(&self) -> Store {
        Store::open(&self.folder.path().join("store")).unwrap()
    }

    /// Asks for an address as a browser of this language does.
    fn get(&self, address: &str, language: &str) -> Answer {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let request =
            Request::get(address).header(header::ACCEPT_LANGUAGE, language).header(header::ACCEPT, "text/html");
        let request = request.body(Body::empty()).unwrap();
        runtime.block_on(async {
            let response = router(self.server.state.clone()).oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
            Answer { status: parts.status, headers: parts.headers, text }
        })
    }
}

impl Answer {
    /// The addresses of this site that the page links to, as a browser reads them.
    fn links(&self) -> BTreeSet<String> {
        let link = Regex::new(r#"(?:href|src|action)="(/[^"]*)""#).unwrap();
        let plain = |found: regex::Captures<'_>| found[1].replace("&amp;", "&").replace("&quot;", "\"");
        link.captures_iter(&self.text).map(plain).map(|link| link.split('#').next().unwrap().to_owned()).collect()
    }
}

/// One for all tests that change nothing.
static SITE: LazyLock<Site> = LazyLock::new(|| Site::compared(&articles()));

/// An address of every kind of page.
const PAGES: [&str; 13] = [
    "/",
    "/?q=crue+vall%C3%A9e",
    "/?q=gr%C3%A8ve&by=lexical&sort=newest&versions=all",
    "/?q=&language=fr&source=Le+Populaire",
    "/?since=2020-03-01&until=2020-03-31",
    "/article/crue/1.txt?q=villages",
    "/article/crue/2.txt",
    "/article/crue%20copie%20%233%3F%26%25",
    "/article?key=../%C3%A9chapp%C3%A9e",
    "/duplicates",
    "/compare?a=crue/1.txt&b=crue/2.txt",
    "/compare",
    "/status",
];

#[test]
fn every_page_is_there_in_both_languages() {
    for address in PAGES {
        for (language, says) in [("fr", "Aller au contenu"), ("en", "Skip to the content")] {
            let answer = SITE.get(address, language);
            assert_eq!(answer.status, StatusCode::OK, "{address}");
            assert!(
                answer.text.contains(&format!("<html lang=\"{language}\">")) && answer.text.contains(says),
                "{address}"
            );
            assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
            assert_eq!(answer.text.matches("<h1").count(), 1, "{address}: headings of the first level");
            assert_eq!(answer.text.matches("<main").count(), 1, "{address}");
        }
    }
}

#[test]
fn no_page_holds_what_its_policy_forbids_or_what_an_article_smuggles_in() {
    let style =
        Regex::new(r#"(?i)<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:[^<]*">|<base|<iframe|<object"#).unwrap();
    let script = Regex::new(r"(?i)<script([^>]*)>(.*?)</script>").unwrap();
    let (tag, quoted) = (Regex::new(r"<[a-z][^>]*>").unwrap(), Regex::new("\"[^\"]*\"").unwrap());
    let hostile = ["/?q=%3Cscript%3Ealert(3)%3C/script%3E%22%20onfocus=x", "/nowhere/%3Cscript%3E", "/?since=%3Cb%3E"];
    for address in PAGES.into_iter().chain(hostile) {
        let answer = SITE.get(address, "fr");
        for found in tag.find_iter(&answer.text) {
            // Within quotation marks stands text, which holds no tag.
            let bare = quoted.replace_all(found.as_str(), "\"\"");
            assert!(!style.is_match(&bare), "{address}: {}", found.as_str());
        }
        assert!(!answer.text.contains("href=\"javascript:"), "{address}");
        for found in script.captures_iter(&answer.text) {
            assert!(found[1].contains("src=\"/assets/") && found[2].is_empty(), "{address}: {}", &found[0]);
        }
        assert!(!answer.text.contains("<b>Fil") && !answer.text.contains("<script>alert"), "{address}");
    }
    assert!(
        SITE.get("/article?key=../%C3%A9chapp%C3%A9e", "fr").text.contains("&lt;script&gt;alert(1)&lt;/script&gt;")
    );
}

#[test]
fn every_link_of_every_page_leads_somewhere() {
    let mut seen: BTreeSet<String> = PAGES.iter().map(|address| (*address).to_owned()).collect();
    let mut ahead: Vec<String> = seen.iter().cloned().collect();
    while let Some(address) = ahead.pop() {
        // Not only once: pages reached from pages are asked, too, as far as they are few.
        let answer = SITE.get(&address, "en");
        assert_eq!(answer.status, StatusCode::OK, "{address}");
        ahead.extend(answer.links().into_iter().filter(|link| seen.len() < 300 && seen.insert(link.clone())));
    }
    assert!(seen.len() > 40, "{seen:?}");
}

#[test]
fn places_on_a_page_that_links_name_are_there() {
    let own = Regex::new("href=\"#([^\"]+)\"").unwrap();
    for address in PAGES {
        let text = SITE.get(address, "fr").text;
        for place in own.captures_iter(&text) {
            assert!(text.contains(&format!("id=\"{}\"", &place[1])), "{address}: no place {}", &place[1]);
        }
    }
    // From a hit to its passage.
    let text = SITE.get("/?q=crue", "fr").text;
    let passage = Regex::new("href=\"(/article/[^\"#]+)#(p[0-9]+)\"").unwrap();
    let found = passage.captures(&text).unwrap();
    assert!(SITE.get(&found[1].replace("&amp;", "&"), "fr").text.contains(&format!("id=\"{}\"", &found[2])));
}

#[test]
fn the_language_of_the_address_stays_in_every_link() {
    for address in ["/?q=crue&lang=en", "/article/crue/1.txt?lang=en", "/duplicates?lang=en", "/status?lang=en"] {
        let answer = SITE.get(address, "fr");
        assert!(answer.text.contains("<html lang=\"en\">"), "{address}");
        for link in answer.links().iter().filter(|link| !link.starts_with("/assets/")) {
            let is_form = answer.text.contains(&format!("action=\"{link}\""));
            assert!(link.contains("lang=en") || link.contains("lang=fr") || is_form, "{address}: {link}");
        }
        assert!(
            !answer.text.contains("<form")
                || answer.text.contains("<input type=\"hidden\" name=\"lang\" value=\"en\">")
        );
    }
}

#[test]
fn a_search_shows_marks_versions_facets_and_the_way_on() {
    let text = SITE.get("/?q=villages+crue", "fr").text;
    for expected in [
        "<mark>villages</mark>",
        "<mark class=\"sentence\"",
        "name=\"q\" type=\"search\" value=\"villages crue\"",
        "<time datetime=\"2020-03-03\">3\u{a0}mars 2020</time>",
        "href=\"/?q=villages%20crue&amp;language=en\"",
        "href=\"/?q=villages%20crue&amp;source=Le%20Populaire\"",
        "+2\u{a0}versions",
        "lang=\"en\"",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    let alone = SITE.get("/?q=villages+crue&versions=all", "fr").text;
    assert!(!alone.contains("<details class=\"versions\"") && alone.matches("<article class=\"hit\"").count() == 5);
    let english = SITE.get("/?q=villages&language=en", "fr").text;
    assert_eq!(english.matches("<article class=\"hit\"").count(), 1);
    assert!(english.contains("aria-current=\"true\"") && english.contains("href=\"/?q=villages\""));
}

#[test]
fn pages_follow_each_other_without_a_hit_twice() {
    let many: Vec<Value> = (0..25)
        .map(|at| json!({"id": format!("a{at}"), "text": format!("Le conseil numéro {at} parle du budget et de la piscine {}.", at * 7)}))
        .collect();
    let site = Site::new(&many);
    let key = Regex::new("<h2[^>]*><a href=\"/article/(a[0-9]+)").unwrap();
    let next = Regex::new("rel=\"next\" href=\"([^\"]*)\"").unwrap();
    let (mut address, mut seen) = ("/?q=budget&versions=all".to_owned(), Vec::new());
    loop {
        let answer = site.get(&address, "fr");
        seen.extend(key.captures_iter(&answer.text).map(|found| found[1].to_owned()));
        let Some(found) = next.captures(&answer.text) else { break };
        address = found[1].replace("&amp;", "&");
        assert!(seen.len() <= many.len(), "{seen:?}");
    }
    assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (25, 25));
    let other = site.get(&address.replace("budget", "piscine"), "fr");
    assert_eq!(other.status, StatusCode::BAD_REQUEST);
    assert!(other.text.contains("autre question"));
}

#[test]
fn what_is_wrong_is_said_on_a_page_with_its_status() {
    for (address, status, french, english) in [
        ("/?q=", 400, "La question est vide", "The question is empty"),
        ("/?q=+", 400, "La question est vide", "The question is empty"),
        ("/?q=a&since=2020-13-45", 400, "«\u{a0}2020-13-45\u{a0}» n’est pas une date", "“2020-13-45” is no date"),
        ("/?q=a&by=magie", 400, "choix possible", "not one of the choices"),
        ("/?q=a&after=xyz", 400, "autre question", "another question"),
        ("/article/nulle-part", 404, "Introuvable", "Not found"),
        ("/article/%FF", 404, "Introuvable", "Not found"),
        ("/article", 404, "Introuvable", "Not found"),
        ("/compare?a=crue/1.txt&b=nulle-part", 404, "Introuvable", "Not found"),
        ("/duplicates?page=0", 400, "choix possible", "not one of the choices"),
        ("/duplicates?since=hier", 400, "n’est pas une date", "is no date"),
        ("/n/importe/quoi", 404, "Introuvable", "Not found"),
    ] {
        for (language, says) in [("fr", french), ("en", english)] {
            let answer = SITE.get(address, language);
            assert_eq!(answer.status.as_u16(), status, "{address}");
            assert!(answer.text.contains(says), "{address}: {}", answer.text);
        }
    }
    let long = SITE.get(&format!("/?q={}", "mot+".repeat(600)), "fr");
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
}

#[test]
fn a_full_line_is_said_with_the_time_to_come_again() {
    let busy =
        super::frame::Failure::from(crate::server::problem::Problem::busy("full", std::time::Duration::from_secs(2)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let request = Request::get("/?q=a&lang=fr").body(()).unwrap();
    let visit = runtime
        .block_on(async { super::visit::Visit::from_request_parts(&mut request.into_parts().0, &()).await.unwrap() });
    let answer = busy.answer(&visit);
    assert_eq!(
        (answer.status(), answer.headers()[header::RETRY_AFTER].to_str().unwrap()),
        (StatusCode::TOO_MANY_REQUESTS, "2")
    );
}

#[test]
fn an_article_shows_its_passages_its_versions_and_safe_links_alone() {
    let text = SITE.get("/article/crue/2.txt?q=gymnase", "fr").text;
    for expected in [
        "<p class=\"passage\" id=\"p",
        "<mark>gymnase</mark>",
        "href=\"https://example.org/voir\" rel=\"noreferrer\"",
        "Jeanne Roux, Paul Petit",
        "class=\"badge\">",
        "href=\"/compare?a=crue%2F1.txt&amp;b=crue%2F2.txt\"",
        "<dd class=\"key\">javascript:alert(2)</dd>",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    assert!(
        SITE.get("/article/crue/1.txt", "fr").text.contains("href=\"https://example.org/crue\" rel=\"noreferrer\"")
    );
}

#[test]
fn every_word_of_a_text_is_on_its_page_once() {
    let tag = Regex::new("<[^>]*>").unwrap();
    for key in ["crue/1.txt", "crue/2.txt", "../échappée"] {
        let store = SITE.store();
        let body = store.text(store.find(key).unwrap().unwrap()).unwrap();
        let address = if key.starts_with('.') {
            "/article?key=../%C3%A9chapp%C3%A9e".to_owned()
        } else {
            format!("/article/{key}")
        };
        let page = SITE.get(&address, "fr").text;
        let shown = page
            .split("<div class=\"text\"")
            .nth(1)
            .unwrap()
            .split_once('>')
            .unwrap()
            .1
            .split("</div>")
            .next()
            .unwrap();
        let plain = tag
            .replace_all(shown, "")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&amp;", "&");
        let solid = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(solid(&plain), solid(&body), "{key}");
    }
}

#[test]
fn copies_are_groups_along_time_and_rows_beside_each_other() {
    let groups = SITE.get("/duplicates", "fr").text;
    assert!(groups.contains("1\u{a0}groupe") && groups.contains("3\u{a0}versions"), "{groups}");
    assert!(
        groups.contains("<circle class=\"dot ") && groups.contains("mis à jour") || groups.contains("contient"),
        "{groups}"
    );
    let narrowed = SITE.get("/duplicates?relation=identical&min=100", "en").text;
    assert!(narrowed.contains("identical") && narrowed.contains("2\u{a0}versions"), "{narrowed}");
    assert!(SITE.get("/duplicates?since=2024", "fr").text.contains("Aucun groupe"));

    let rows = SITE.get("/compare?a=crue/2.txt&b=crue/1.txt", "fr").text;
    for expected in [
        "id=\"shared-0\"",
        "id=\"shared-0-a\"",
        "href=\"#shared-0-b\"",
        "hue-0",
        "A, 1\u{a0}jour avant B",
        "1 240 habitants",
        "signé AFP",
        "AFP",
    ] {
        assert!(rows.contains(expected), "{expected} is not in {rows}");
    }
}

#[test]
fn before_copies_are_known_the_page_says_so_and_after_a_change_it_leaves_out_what_it_does_not_know() {
    let site = Site::new(&articles());
    assert!(site.get("/duplicates", "fr").text.contains("pas encore prêt"));
    assert!(site.get("/article/crue/1.txt", "en").text.contains("not ready yet"));
    dedup::caught_up(&site.store(), Isa::best(), &mut |_| {}).unwrap();
    assert!(site.get("/duplicates", "fr").text.contains("3\u{a0}versions"));

    let at = site.folder.path().join("store");
    let mut store = Store::open_to_remove(&at).unwrap();
    let gone = store.find("crue/2.txt").unwrap().unwrap();
    store.remove(&[gone]).unwrap();
    drop(store);
    let text = site.get("/duplicates", "fr").text;
    assert!(
        text.contains("2\u{a0}versions") && text.contains("en cours de comparaison") && !text.contains("Vallée Matin"),
        "{text}"
    );
    assert_eq!(site.get("/article/crue/2.txt", "fr").status, StatusCode::NOT_FOUND);
}

#[test]
fn assets_are_named_by_what_they_say() {
    let links = SITE.get("/", "fr").links();
    let assets: Vec<&String> = links.iter().filter(|link| link.starts_with("/assets/")).collect();
    assert_eq!(assets.len(), 3, "{assets:?}");
    for address in assets {
        let answer = SITE.get(address, "fr");
        assert!(answer.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        let hash = blake3::hash(answer.text.as_bytes()).to_hex();
        assert!(address.contains(&hash[..12]), "{address}");
        assert!(!answer.text.contains("url(") && !answer.text.contains("@import"), "{address} asks for more");
    }
    assert_eq!(SITE.get("/assets/page.0.css", "fr").status, StatusCode::NOT_FOUND);
}

#[test]
fn the_status_says_what_was_done() {
    let before = SITE.get("/status", "en").text;
    assert!(
        before.contains("id=\"panel\"") && before.contains("up to date") && before.contains("<dd>5</dd>"),
        "{before}"
    );
}
