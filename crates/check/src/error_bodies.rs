//! Documented bodies that report an error, and the forms that errors have.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::status_text;
use super::text::is_one_of;

/// Members that only errors have.
const ERROR: &str = "error errors err exception fehler erreur erro errores erros errore ошибка error_message errormessage \
     error_code errorcode error_description";
/// Members with a message.
const MESSAGE: &str = "message messages msg detail details description reason title mensaje mensagem messaggio nachricht \
     meldung bericht komunikat mesaj сообщение повідомлення info result response";
/// Members with a status or the outcome.
const STATUS: &str = "status code statuscode status_code httpstatus http_status state";

/// What a message of an error says besides words such as "error" and "not found".
static COMPLAINS: LazyLock<Regex> = regex!(
    r"(?xi)\b(?: required | missing | invalid | must | (?:can)?not\b(?:\s+\w+)?\s+be | already\s+(?:exists?|taken|in\s+use) | bad\s+request | conflict
            | no\s+such | (?:does|do)(?:\s+not|n['’]t)\s+exist | unknown | duplicate
            | obligator\w+ | requerid\w+ | inválid\w+ | ya\s+existe | no\s+existe | obrigatóri\w+ | já\s+existe | não\s+existe
            | requis\w* | obligatoire\w* | existe\s+déjà | n['’]existe\s+pas | ungültig\w* | erforderlich | fehlt | existiert\s+(?:bereits|nicht)
            | obbligatori\w+ | esiste\s+già | non\s+esiste | wymagan\w+ | nie\s+istnieje | już\s+istnieje | не\s+существует | уже\s+существует | обязател\w+
            | неверн\w+ | некорректн\w+ | gerekli | zorunlu | geçersiz )\b
        | 必须 | 必填 | 不能为空 | 已存在 | 无效 | 必須 | 無効 | 既に | 필수 | 이미"
);

/// Whether a documented body reports an error: `{"error": "..."}`, `{"message": "User not found"}`.
pub fn reports_error(body: &Value) -> bool {
    let Value::Object(members) = body else {
        return false;
    };
    !members.contains_key("id")
        && members
            .iter()
            .any(|(name, value)| is_of_error(&name.to_lowercase(), value))
}

fn is_of_error(name: &str, value: &Value) -> bool {
    let complains = |text: &str| status_text::says_failure(text) || COMPLAINS.is_match(text);
    let is_set = match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Number(number) => number.as_u64() != Some(0),
        Value::Bool(true) => true,
    };
    match value {
        _ if is_one_of(name, ERROR) => is_set,
        Value::Bool(false) => is_one_of(name, "success ok succeeded"),
        Value::Number(number) if is_one_of(name, STATUS) => number
            .as_u64()
            .is_some_and(|number| (400..600).contains(&number)),
        Value::String(text) if is_one_of(name, STATUS) => complains(text) || text == "fail",
        Value::String(text) if is_one_of(name, MESSAGE) => complains(text),
        _ => false,
    }
}

/// Whether a body has only a message and a status, so that it is a response, and no record that is sent.
pub fn is_message(body: &Value) -> bool {
    let names = |names: &str| {
        let is_named = |name: &String| is_one_of(&name.to_lowercase(), names);
        body.as_object()
            .is_some_and(|members| !members.is_empty() && members.keys().all(is_named))
    };
    names(&[MESSAGE, STATUS, "success ok data"].join(" "))
        && !["title", "description", "data"].into_iter().any(names)
}

/// Whether a documented error has the form of this server's: a problem with a title and a status.
pub fn is_of_server(members: &Map<String, Value>) -> bool {
    members.contains_key("title") && members.contains_key("status")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_that_report_an_error() {
        let rows = [
            (json!({"error": "x"}), true),
            (json!({"errors": [{"field": "name"}]}), true),
            (json!({"message": "User not found"}), true),
            (json!({"mensaje": "Usuario no encontrado"}), true),
            (json!({"message": "[name] is required."}), true),
            (json!({"message": "用户不存在"}), true),
            (json!({"success": false, "data": null}), true),
            (json!({"statusCode": 404, "message": "x"}), true),
            (json!({"status": "error", "text": "x"}), true),
            (json!({"error": null, "data": {"id": 1}}), false),
            (json!({"message": "Book deleted"}), false),
            (json!({"message": "ok"}), false),
            (json!({"status": "ok", "errors": []}), false),
            (json!({"id": 1, "title": "Trial and error"}), false),
            (json!([{"error": "x"}]), false),
        ];
        for (body, reports) in rows {
            assert_eq!(reports_error(&body), reports, "{body}");
        }
    }
}
