//! Generates embedded pages: the error reference, rendered from `docs/errors.md`, and with the feature `docs` Swagger
//! UI, unpacked from its crate.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

const ERRORS: &str = "docs/errors.md";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={ERRORS}");
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);
    fs::write(
        out.join("errors.rs"),
        error_sections(&fs::read_to_string(ERRORS)?),
    )?;
    #[cfg(feature = "docs")]
    unpack_swagger_ui(out)?;
    Ok(())
}

/// The introduction and the sections of the error reference, as the text of a Rust array of names and HTML. The name of
/// the introduction is empty.
fn error_sections(source: &str) -> String {
    let mut sections: Vec<(String, Vec<Event<'_>>)> = vec![Default::default()];
    let mut heading = None;
    let mut is_kept = Vec::new();
    for event in Parser::new_ext(source, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => heading = Some((level, String::new())),
            Event::End(TagEnd::Heading(_)) => {
                if let Some((HeadingLevel::H2, name)) = heading.take() {
                    sections.push((name, Vec::new()));
                }
            }
            Event::Text(text) if heading.is_some() => {
                heading
                    .iter_mut()
                    .for_each(|(_, name)| name.push_str(&text));
            }
            // Links to other pages of the documentation do not work on a server.
            Event::Start(Tag::Link { ref dest_url, .. }) => {
                is_kept.push(dest_url.contains("://"));
                if dest_url.contains("://") {
                    last(&mut sections).push(event);
                }
            }
            Event::End(TagEnd::Link) => {
                if is_kept.pop() == Some(true) {
                    last(&mut sections).push(event);
                }
            }
            // Comments.
            Event::Html(_) | Event::InlineHtml(_) => {}
            event => last(&mut sections).push(event),
        }
    }
    let sections: Vec<(String, String)> = sections
        .into_iter()
        .map(|(name, events)| {
            let mut text = String::new();
            html::push_html(&mut text, events.into_iter());
            (name, text)
        })
        .collect();
    format!("&{sections:?}")
}

fn last<'a, 's>(sections: &'a mut [(String, Vec<Event<'s>>)]) -> &'a mut Vec<Event<'s>> {
    let at = sections.len() - 1;
    &mut sections[at].1
}

/// Unpacks the files of Swagger UI that the page needs, and compresses each.
#[cfg(feature = "docs")]
fn unpack_swagger_ui(out: &Path) -> Result<(), Box<dyn Error>> {
    use std::io::{Cursor, Read};

    let mut archive =
        zip::ZipArchive::new(Cursor::new(utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED))?;
    let wanted = [
        "dist/swagger-ui-bundle.js",
        "dist/swagger-ui.css",
        "LICENSE",
        "NOTICE",
    ];
    for at in 0..archive.len() {
        let mut file = archive.by_index(at)?;
        // The names begin with a folder that has the version in its name.
        let name = file.name()?.into_owned();
        let Some((_, name)) = name.split_once('/') else {
            continue;
        };
        if wanted.contains(&name) {
            let name = name.rsplit('/').next().unwrap_or(name);
            let mut content = Vec::new();
            file.read_to_end(&mut content)?;
            let mut packed =
                flate2::read::GzEncoder::new(&content[..], flate2::Compression::best());
            let mut target = fs::File::create(out.join(format!("{name}.gz")))?;
            std::io::copy(&mut packed, &mut target)?;
        }
    }
    Ok(())
}
