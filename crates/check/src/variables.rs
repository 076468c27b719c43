//! Variables that a page sets, and the requests that use them.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::blocks::Fence;
use super::service::Request;
use super::url;

static VARIABLE: LazyLock<Regex> =
    regex!(r"(?m)^\s*(?:\$ )?(?:@(\w+)\s*=\s*|(?:export )?([A-Z_][A-Z0-9_]*)=)(\S+)\s*$");

/// Replaces `{name}`, `{{name}}`, `$name` and `${name}` by values.
pub fn substitute(request: &mut Request, values: &[(String, String)]) {
    static NAME: LazyLock<Regex> = regex!(r"\{\{?\s*([\w.-]+)\s*\}?\}|\$\{([\w.-]+)\}|\$(\w+)");
    let value = |found: &Captures<'_>| {
        let name = found.iter().skip(1).flatten().next();
        let mut values = values.iter();
        let value = values.find(|(known, _)| name.is_some_and(|name| name.as_str() == known));
        value.map_or(found[0].to_owned(), |(_, value)| value.clone())
    };
    let headers = request.headers.iter_mut().map(|(_, value)| value);
    for text in std::iter::once(&mut request.target)
        .chain(&mut request.body)
        .chain(headers)
    {
        *text = NAME.replace_all(text, value).into_owned();
    }
}

/// The variables that a block sets: `@name = value`, `NAME=value`, `export NAME=value`.
pub fn variables(fence: &Fence) -> impl Iterator<Item = (String, String)> {
    VARIABLE
        .captures_iter(&fence.content)
        .filter_map(|captures| {
            let name = captures.get(1).or_else(|| captures.get(2))?;
            let value = captures.get(3)?.as_str().trim_matches(['"', '\'']);
            // The output of a command is not known, and the base URL of another host stands for this server.
            let foreign = value.contains("://") && !url::names_this_machine(value);
            (!foreign && !value.contains(['$', '`', '(']))
                .then(|| (name.as_str().to_owned(), value.to_owned()))
        })
}

/// The variables that a block sets to the output of a command: `HOST=$(minikube ip)`.
pub fn commanded_variables(fence: &Fence) -> impl Iterator<Item = String> {
    static COMMANDED: LazyLock<Regex> =
        regex!(r#"(?m)^\s*(?:\$ )?(?:export )?([A-Za-z_]\w*)=["']?[^\s"']*?(?:\$\(|`)"#);
    let found = COMMANDED.captures_iter(&fence.content);
    found.filter_map(|captures| Some(captures.get(1)?.as_str().to_owned()))
}
