//! What headings and labels say about the code block below them.

use std::sync::LazyLock;

use regex::Regex;

use super::text::{is_one_of, pattern};

/// What a heading or label announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announces {
    /// A request or command.
    Request,
    /// The body of a request, by a word such as "payload" or by "request".
    RequestBody,
    /// A body or data, of a request or of a response.
    Body,
    /// A response.
    Response,
    /// Other JSON, such as a schema.
    OtherJson,
    /// Nothing specific.
    Unspecific,
}

// The words of some thirty languages, as far as they stand in labels.
static REQUEST: LazyLock<Regex> = regex!(
    r"(?xi)\b(?: requests? | commands? | call | input | \w*anfrage\w* | aufruf | befehl | requêtes? | requetes? |
            commande | petici[oó]n | solicitud | requisi[çc][ãa]o | pedido | richiesta | comando | verzoek | żądani\w* |
            zapytani\w* | запрос\w* | запит\w* | [iİ]ste[kğ]\w* | permintaan | förfrågan | forespørsel | pyyntö |
            požadavek | kérés | αίτημα | (?:ال)?طلب | درخواست | בקשה )\b
        | 请求 | 請求 | リクエスト | 요청 | अनुरोध | yêu\s+cầu"
);
static RESPONSE: LazyLock<Regex> = regex!(
    r"(?xi)\b(?: responses? | response_?body | results? | outputs? | o/p | return(?:s|ed)? | reply | answer | \w*antwort(?:en)? | \w*antwortkörper |
            ergebnis | ausgabe | rückgabe | retours? | réponses? | reponses? | résultat | sortie | respuestas? | resultado | salida |
            respostas? | retorno | saída | risposta | risposte | risultato | antwoord | resultaat | odpowied\w* | wynik |
            ответ\w* | результат\w* | відповід\w* | yanıt\w* | cevap\w* | cevab\w* | sonuç\w* | çıktı\w* | respons(?:en)? | \w*svar(?:et)? |
            resultatet? | hasil | keluaran | vastaus | tulos | odpověď | výsledek | odpoveď | výsledok | odgovor | rezultat\w* |
            răspuns\w* | válasz | eredmény | απάντηση | αποτέλεσμα | отговор | (?:ال)?(?:استجابة|نتيجة|نتائج|رد|مخرجات|إخراج) |
            پاسخ | نتیجه | خروجی | תשובה | תגובה | תוצאה | פלט )\b
        | 响应 | 響應 | 返回 | 回應 | 回应 | 结果 | 結果 | 输出 | 輸出 | レスポンス | 応答 | 出力 | 응답 | 결과 | 출력 | उत्तर | प्रतिक्रिया | परिणाम
        | phản\s+hồi | kết\s+quả | ผลลัพธ์"
);
/// What the server does in a sentence about a response.
static ANSWERS: LazyLock<Regex> = regex!(
    r"(?xi)\b(?: returns? | returned | responds? | responded | repl(?:y|ies|ied) | answers? | answered | responses? |
            results? | output | outputs | prints? | printed | gives? | yields? | produces? | show | \w+\s+shows | shown | displayed |
            gets | got | receives? | back | (?:you|we|i|should|will|then|to|['’]ll)\s+(?:\w+\s+)?see | siehst | verás | verá | verrez | vois | vedrai |
            (?:you|we|i|should|will|then)\s+(?:\w+\s+)?(?:get|obtain) |
            liefert | ergibt | antwortet | erhalten | erhält\w* | bekomm\w+ | renvoie | retourne | répond | donne | obtient |
            obtenez | obtenons | reçoi\w+ | recevez | recevons | devuelve | responde | retorna | obtenemos | obtienes |
            obtendr\w+ | recibimos | recibir\w+ | devolve | obtemos | recebemos | restituisce | risponde | otteniamo |
            riceviamo | верн\w+ | возвраща\w+ | получ\w+ )\b"
);
/// Words for the body of a request where no response is named.
static BODY: LazyLock<Regex> =
    regex!(r"(?i)\b(?:body|rumpf|\w*körper|corps|cuerpo|corpo|тело|тіло|ciało|gövde\w*)\b");
static PAYLOAD: LazyLock<Regex> = regex!(
    r"(?i)\b(?:payload|parameters|params|body\s+parameter|request_?body|nutzlast)\b|参数|请求体|パラメータ|ボディ|본문"
);
/// Words for other JSON in a heading; sentences have more words, so fewer of them count there.
static OTHER_IN_HEADING: LazyLock<Regex> = regex!(
    r"(?i)\b(?:original|before|database|schema|model|resource|properties|headers|syntax|format|template|object)\b"
);
static OTHER_IN_LABEL: LazyLock<Regex> =
    regex!(r"(?i)\b(?:original|before|database|schema|headers)\b");
/// Words for a description of a response.
static DESCRIPTION: LazyLock<Regex> =
    regex!(r"(?i)\b(?:format|schema|syntax|properties|headers|parameters|fields|attributes)\b");
const FILLER: &str = "example examples sample the a an of for in using with to your beispiel der die das für \
     exemple de la le pour ejemplo para exemplo esempio di per";

/// Words for a response that is to come, as a part of a pattern that ignores case.
pub const EXPECTED: &str = r"(?: \b(?: expect(?:s|ed|ation)? | erwartet\w* | erwartung\w* | erwarte[nt]? | attendue?s? | esperad[ao]s? | esperamos | atte(?:so|sa|si|se) |
        previst[oaie] | verwacht\w* | oczekiwan\w* | spodziewan\w* | oček[aá]v\w* | očakáv\w* | očekiv\w* | pričakov\w* | ожида\w* |
        ожидав\w* | очіку\w* | очаква\w* | очекив\w* | beklenen\w* | förvänta\w* | forvente\w* | odote\w* | oletet\w* | αναμεν\w* |
        (?:ال)?متوقعة? | انتظار | צפוי\w* | aștept\w* | aştept\w* | várt | elvárt | diharapkan | harapan | dijangka )\b
    | 期待(?:される|する|値)? | 想定(?:される)? | 预期(?:的)? | 預期(?:的)? | 期望(?:的)? | 预计 | 예상(?:되는)? | 기대(?:되는|하는)? | अपेक्षित | প্রত্যাশিত
    | mong\s+đợi | kỳ\s+vọng | dự\s+kiến | ที่?คาดหวัง | ที่คาดว่าจะ\w* )";

static SAYS_EXPECTED: LazyLock<Regex> = LazyLock::new(|| pattern(&format!("(?xi){EXPECTED}")));

/// A label of a request's URL, as a part of a pattern that ignores case.
pub const URL: &str =
    r"(?:request\s+)?(?:url|uri|endpoint|path|route|адрес|接口地址|请求地址|地址|路径)";
/// A label of a request's method, as a part of a pattern that ignores case.
pub const METHOD: &str = r"(?:http[\s-]+)?(?:request\s+)?(?:method|verb|action|methode|méthode|método|metodo|метод|请求方式|请求方法|方法|メソッド)";

/// Whether a heading or paragraph is the label of a URL and nothing else: "URL", "**Endpoint:**".
pub fn is_url_label(text: &str) -> bool {
    static ALONE: LazyLock<Regex> =
        LazyLock::new(|| pattern(&[r"(?i)^\W*", URL, r"\W*$"].concat()));
    ALONE.is_match(text)
}

/// Whether a heading or paragraph is the label of a method and nothing else: "HTTP method".
pub fn is_method_label(text: &str) -> bool {
    static ALONE: LazyLock<Regex> =
        LazyLock::new(|| pattern(&[r"(?i)^\W*", METHOD, r"\W*$"].concat()));
    ALONE.is_match(text)
}

/// Clients other than curl that a page may show as well.
const TOOLS: &str = "postman insomnia httpie wget powershell python javascript js nodejs typescript fetch axios java kotlin \
     golang php ruby";

/// The lower-case words of a label without punctuation.
pub fn words(label: &str) -> Vec<String> {
    label
        .split(|c: char| !(c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Whether a label has a word of a list, which are separated by spaces.
pub fn has_word(label: &str, list: &str) -> bool {
    words(label).iter().any(|word| is_one_of(word, list))
}

/// Words for what a write does, by which a text is not about reading.
static WRITES: LazyLock<Regex> = regex!(
    r"(?xi)\b(?: (?-i:POST) | post\s+(?:an?|the|to|new|this|it|data|json|request)\b | put | patch | delet\w* | add(?:s|ing)? | updat\w* | remov\w* | insert\w* | edit(?:s|ed|ing)? | replac\w*
            | send(?:s|ing)? | submit\w* | upload\w* | modif\w* | register\w*
            | erstell\w* | anleg\w* | hinzufüg\w* | änder\w* | aktualisier\w* | lösch\w* | ersetz\w* | sende\w*
            | cré(?:e\w*|é\w*|ation\w*) | ajout\w* | supprim\w* | envo\w+ | crea(?:r|re|n|t[eio]\w*|d[oa]|ndo)? | añad\w* | agreg\w* | actualiz\w* | elimin\w* | borra\w* | envia\w*
            | cria\w* | adicion\w* | atualiz\w* | exclu[ií]\w* | cadastr\w* | aggiung\w* | aggiorn\w* | cancell\w*
            | созда\w* | добав\w* | измен\w* | обнов\w* | удал\w* | ekle\w* | oluştur\w* | güncelle\w* | sil(?:in\w*|mek|me|er)? | tạo | thêm | sửa | xóa
            | tambah\w* | ubah\w* | hapus\w* | perbarui | utwórz | dodaj\w* | zmie\w+ | usu(?:ń|wa)\w* )\b
        | 创建 | 新增 | 添加 | 更新 | 修改 | 删除 | 提交 | 作成 | 追加 | 変更 | 削除 | 登録 | 생성 | 추가 | 수정 | 삭제 | 등록"
);

/// Whether a text mentions a write.
pub fn says_write(text: &str) -> bool {
    WRITES.is_match(text)
}

/// Whether a label says that something is expected: "Expected output".
pub fn says_expected(label: &str) -> bool {
    SAYS_EXPECTED.is_match(label)
}

/// Whether words of a sentence name a member: `userId` or "user id".
pub fn names(sentence: &[String], member: &str) -> bool {
    let member = member.to_lowercase();
    sentence
        .iter()
        .any(|word| *word == member || format!("{word}s") == member)
}

/// What a heading announces.
pub fn heading(heading: &str) -> Announces {
    // "Route" alone, above a method and a path.
    if matches!(words(heading).as_slice(), [only] if is_one_of(only, "route endpoint url uri")) {
        return Announces::Request;
    }
    // "Respones"
    if let [only] = words(heading).as_slice()
        && strsim::osa_distance(only, "response") <= 2
    {
        return Announces::Response;
    }
    announced(heading, &DESCRIPTION, &OTHER_IN_HEADING, usize::MAX)
}

/// What a label in a paragraph announces.
pub fn label(label: &str) -> Announces {
    // A label that names the members of a response may introduce a description or the response.
    static SCHEMA: LazyLock<Regex> = regex!(r"(?i)\b(?:schema|headers)\W*$");
    announced(label, &SCHEMA, &OTHER_IN_LABEL, 3)
}

/// `data` counts in a label with at most as many words.
fn announced(label: &str, describes: &Regex, other: &Regex, data: usize) -> Announces {
    let words = words(label);
    let has = |word: &str| words.iter().any(|own| own == word);
    let is_data = has("data") && words.len() <= data;
    let request = REQUEST.is_match(label) || words.first().is_some_and(|word| word == "curl");
    if RESPONSE.is_match(label) {
        match describes.is_match(label) {
            true => Announces::OtherJson,
            false => Announces::Response,
        }
    } else if PAYLOAD.is_match(label) || request && (BODY.is_match(label) || is_data) {
        Announces::RequestBody
    } else if ANSWERS.is_match(label) {
        Announces::Response
    } else if other.is_match(label.split('(').next().unwrap_or_default()) {
        Announces::OtherJson
    } else if says_expected(label) && (BODY.is_match(label) || words.len() == 1) {
        Announces::Response
    } else if BODY.is_match(label) || is_data {
        Announces::Body
    } else if request {
        Announces::Request
    } else {
        Announces::Unspecific
    }
}

/// Words that cast no doubt on what a sentence about a response means.
const PLAIN: &str = "i you we it this that these which what here above command call structured formatted server api service mock should will can now then and again \
     get gets got see sees receive receives give gives returns respond responds reply replies answer answers print prints \
     show shows shown display displays look looks like something similar as follows following below is are was be has have contains contain \
     comes come came sends send sent returned answered back json body content code ok http success successful error status created updated found full complete whole entire \
     new record records object array list item items document entry entries user all one first with from by on at its \
     an and or so truncated shortened abbreviated abridged excerpt cut partial part only shown listed rest omitted brevity relevant \
     fields members properties attributes format some click expand toggle reveal view details solution lösung if when calling request";

/// A sentence about something other than the response that the server gives now: what a webhook receives, another
/// version, something that is only similar.
static ELSEWHERE: LazyLock<Regex> = regex!(
    r"(?xi)\b(?:
            (?:webhook|callback|subscriber|listener|consumer|queue)s?\s+(?:\w+\s+){0,2}
                (?:receives? | gets? | sees? | is | are | contains?)
            | your\s+(?:own\s+)?(?:server|app|application|backend|service)\s+(?:\w+\s+)?(?:receives? | gets?)
            | (?:your\s+(?:own\s+)?(?:endpoint|url)|the\s+receiver)\s+(?:\w+\s+)?
                (?:receives? | gets? | must | should | has\s+to | needs\s+to | can | may)
            | ^\W*(?:reply|respond|answer)\s+with | we\s+then\s+(?:call|expect|send)
            | version\s*\d+\s+(?:answered|returned|gave|was|had) | in\s+(?:v\d[\d.]*|\d+\.x)
            | (?:don['’]t|do\s+not|never)\s+expect | competitors?['’]?s?\s+(?:\w+\s+)?(?:api|server|response|answer|returns?) | backend\s+(?:returned|answered)
            | it\s+would\s+be | ^\W*(?:production|staging)\b | returns?\s+instead | equivalent
            | (?:sent|posted|delivered|pushed)\s+to\s+(?:\w+\s+){0,2}(?:webhook|callback|subscriber|listener|consumer|queue)s?
            | (?:until|before|up\s+to|prior\s+to)\s+v?\d+(?:\.\d+)+ | (?:until|before|up\s+to|prior\s+to|bis|vor|avant|jusqu'à|antes\s+de|hasta|até|fino\s+alla|до)\s+(?:\w+\s+)?
                (?:version|release|versión|versão|versione|версии|v)\s*\d[\w.]*
            | (?:version|release|v)\s*\d[\w.]*\b.*\b(?:was|were|had|returned|looked|gave|responded)
            | in\s+(?:the\s+)?future | in\s+(?:older|earlier|previous|old|future)\s+(?:version|release)s?
            | (?:old|older|legacy|deprecated|obsolete|outdated|former)\s+(?:\w+\s+)?
                (?:version|release|api|response|format|answer|output|shape|structure)
            | deprecated | früher\w* | ehemal\w+ | veraltet\w* | alte[nrsm]?\s+(?:version|api|antwort) | autrefois | ancien(?:ne)? | anterior(?:mente)? | antiga\w* |
                precedente\w*
            | earlier\s+(?:versions?|releases?|api)
            | (?:the|an?)\s+(?:previous|next|future|planned)\s+(?:version|release|api)
            | (?:formerly|previously)[\s,]+(?:\w+\s+){0,3}(?:was|were|had|returned|looked|gave|responded)
            | (?:wrong|incorrect)\s+(?:response|answer|result|output) | for\s+comparison
            | compare\s+(?:it|this|that)\s+(?:with|to) | (?:another|real|original|live|production)\s+(?:\w+\s+)?(?:api|server|service) | (?:in|on)\s+production
            | used\s+to\s+(?:be|look|return|have|give|contain|respond) | confuse[ds]?
            | with\s+(?-i:GET|POST|PUT|PATCH|DELETE)\b[^.]*\bwould | if\s+you\s+had\b | (?:the|its)\s+old\s+(?:value|state)s? | starting\s+point
            | remember\s+what | so\s+sah\b[^.]*\bvorher | (?:antes|prima)\s+era | до\s+этого | undo\s+it | audit\s+log | (?:redux|vuex?|pinia)\s+(?:state|store)
            | json-server\s+v?\d[\d.]* | upstream | want\s+to\s+achieve )\b
        | 修改前 | 变更前 | 变更之前"
);

/// A sentence that says what the reader sends or writes.
static SENT: LazyLock<Regex> = regex!(
    r"(?xi)(?: \b(?:i|you|we|they|users?|customers?|callers?|clients?|apps?|browsers?|forms?|frontends?|must|to)\s+
                (?:(?:then|now|first|also|must|should|can|could|would|will|need\s+to|have\s+to)\s+)*
                (?:sends? | posts? | submits? | uploads? | provides? | pass(?:es)?)
            | (?: ^\W* | ,\s* ) (?:(?:then|now|first|next|please|finally|or|you\s+can|you\s+must)[\s,]+)?
                (?:send | post | put | submit | upload | provide | pass | use | add | save | store | write | paste | edit |
                    insert | copy) )\b"
);

/// Whether a label or heading is about something other than the current response.
pub fn is_about_another(label: &str) -> bool {
    static PAST: LazyLock<Regex> =
        regex!(r"(?i)\b(?:returned|answered|was|were|had)\b[^.]*\bbefore\W*$");
    ELSEWHERE.is_match(label) || PAST.is_match(label) || is_of_other_time(label)
}

/// Whether a label or heading names another version than the one of now, or what is wrong, and nothing else: "Before
/// (1.x)", "Wrong:".
pub fn is_of_other_time(label: &str) -> bool {
    static OTHER: LazyLock<Regex> = regex!(
        r"(?xi)^\W*(?: before | old(?:\s+behaviou?r)? | previously | formerly | planned | staging | production | last\s+year | what\s+it\s+was
                | vorher | früher | antes | avant | prima | раньше | до | wrong | bad | falsch | incorrecto? | errado
                | (?:don['’]t|do\s+not|never)(?:\s+do\s+(?:this|that|it))? | (?:removed|deprecated|obsolete)(?:\s+(?:in|since))? )
            (?:\W*\(?\s*v?\d+[\d.x]*\s*\)?)?\W*$
        | ^\W*(?:bad|wrong|incorrect|falsch|incorrecto|errado|неправильно|错误)\s*[:：]
        | \b(?:common|typical|frequent)\s+(?:mistake|error)\b
        | ^\W*in\s+(?:version\s*|v)\d[\d.x]*\b[^.]*\b(?:was|were|fetched|used|had|called|did|looked|returned|sent)\b[^.]*$ | ^\W*(?:以前|変更前|之前|旧)\W*$"
    );
    OTHER.is_match(label)
}

/// Whether a heading is a version and nothing else: "v1", "Version 1", "1.x".
pub fn is_version(heading: &str) -> bool {
    static VERSION: LazyLock<Regex> =
        regex!(r"(?i)^\W*(?:version\s*\d[\d.x]*|v\d[\d.x]*|\d+\.[\dx.]+)\W*$");
    VERSION.is_match(heading)
}

/// Whether a sentence introduces JSON that is not the response.
pub fn is_elsewhere(sentence: &str) -> bool {
    is_about_another(sentence) || (SENT.is_match(sentence) && !ANSWERS.is_match(sentence))
}

/// Whether a label names the response and has few other words: "Respuesta exitosa (201)".
fn names_response(label: &str) -> bool {
    const DOUBT: &str = "wrong incorrect bad not no another different would could expects schema structure format type model";
    let name = label.split(['(', '（']).next().unwrap_or_default();
    let words = words(name);
    (RESPONSE.is_match(name) || words.len() == 1 && says_expected(name))
        && words.len() <= 4
        && !words.iter().any(|word| is_one_of(word, DOUBT))
        && self::label(label) == Announces::Response
        && !is_elsewhere(label)
}

/// Whether a sentence says what the reader sees: "If the service runs, you should see a list of users".
fn says_what_comes(sentence: &str) -> bool {
    static SEEN: LazyLock<Regex> = regex!(
        r"(?i)\b(?:you|we)(?:['’]ll|\s+(?:should|will))\s+(?:now\s+|then\s+|also\s+)?(?:see|get|receive)\b"
    );
    const OTHER: &str = "screen page window log logs terminal console file folder browser tab editor database event events \
        email message notification like maybe might could different without missing invalid unless otherwise wrong each every format structure schema";
    SEEN.is_match(sentence) && !has_word(sentence, OTHER) && !is_elsewhere(sentence)
}

/// Whether a label calls what is below it the outcome of a write: "The updated user:", "The record now looks like this:".
fn names_outcome(label: &str) -> bool {
    static OUTCOME: LazyLock<Regex> = regex!(
        r"(?xi)^\W*(?:the\s+)?(?:updated|changed|modified|resulting|created|patched|replaced)\s+\w+\s*:\W*$
            | \bnow\s+(?:looks?\s+like|is|reads)\s+(?:this|as\s+follows)\s*:\W*$"
    );
    const OTHER: &str =
        "file schema config configuration code handler model type database script template state";
    OUTCOME.is_match(label) && !has_word(label, OTHER)
}

/// Whether a sentence leaves no doubt that the JSON below it is the response: it is a label, or says so in plain words
/// only.
pub fn surely_introduces(sentence: &str) -> bool {
    // The JSON may describe them.
    static PARTS: LazyLock<Regex> =
        regex!(r"(?i)\b(?:properties|headers|parameters|fields|attributes)\W*$");
    if PARTS.is_match(sentence) {
        return false;
    }
    if names_response(sentence) || says_what_comes(sentence) || names_outcome(sentence) {
        return true;
    }
    let all = words(sentence);
    let is_plain = |word: &String| {
        is_one_of(word, PLAIN)
            || is_filler(word)
            || RESPONSE.is_match(word)
            || word.parse::<u16>().is_ok()
    };
    const NAMED: &str = "example sample json body content ok success truncated shortened abbreviated excerpt cut solution lösung";
    let is_named = |word: &String| is_one_of(word, NAMED);
    !is_elsewhere(sentence)
        && all.iter().all(is_plain)
        && (label(sentence) == Announces::Response
            || ANSWERS.is_match(sentence)
            || all.iter().any(is_named))
}

/// Whether a heading is that of a part of a request's description and names nothing else: "Request", "Response (200)",
/// "Parameters".
pub fn names_part(text: &str) -> bool {
    const WORDS: &str = "request response responses body parameters params headers query path json payload success successful status";
    let words = words(text);
    let is_part = |word: &String| {
        is_one_of(word, WORDS)
            || is_filler(word)
            || REQUEST.is_match(word)
            || RESPONSE.is_match(word)
            || word.parse::<u16>().is_ok()
            || is_one_of(word, "ok created no content")
    };
    !words.is_empty() && words.iter().all(is_part) && !words.iter().all(|word| is_filler(word))
}

const EXAMPLES: &str =
    "example examples sample curl command usage beispiel exemple ejemplo exemplo esempio";

/// Whether a heading is that of the example of what is described above it: "Example request", "cURL".
pub fn names_example(text: &str) -> bool {
    let words = words(text);
    let is_example =
        |word: &String| is_one_of(word, EXAMPLES) || REQUEST.is_match(word) || is_filler(word);
    !words.is_empty() && words.iter().all(is_example)
}

/// Whether a text announces an example.
pub fn says_example(text: &str) -> bool {
    has_word(text, EXAMPLES) || REQUEST.is_match(text)
}

/// Whether a label is that of a body alone, of a request or of a response.
pub fn is_body_label(text: &str) -> bool {
    matches!(words(text).as_slice(), [word] if is_one_of(word, "body content"))
}

/// Whether a text mentions a body and no response.
pub fn names_sent_body(text: &str) -> bool {
    // "Enter the following JSON data"
    static ENTERED: LazyLock<Regex> = regex!(
        r"(?i)^\W*(?:\d+[.)]\s*)?(?:enter|paste|type|add|insert|input|copy)\b[^.]*\b(?:json|data|payload)\b"
    );
    (BODY.is_match(text) || ENTERED.is_match(text))
        && !RESPONSE.is_match(text)
        && !ANSWERS.is_match(text)
}

/// Whether a heading is a numbered step of an instruction: "Step 2. Choose the method".
pub fn is_step(text: &str) -> bool {
    static STEP: LazyLock<Regex> = regex!(
        r"(?i)^\W*(?:step|schritt|[ée]tape|paso|passo|passaggio|шаг|步骤|ステップ|단계|adım|krok)\s*\d"
    );
    STEP.is_match(text)
}

/// The client other than curl that a label names.
pub fn other_tool(label: &str) -> Option<&'static str> {
    let words = words(label);
    if words.iter().any(|word| word == "curl") {
        return None;
    }
    // "Fetch it again:" is a step.
    let is_verb = |tool: &str| {
        tool == "fetch" && words.first().is_some_and(|first| first == tool) && words.len() > 1
    };
    TOOLS
        .split(' ')
        .find(|tool| words.iter().any(|word| word == tool) && !is_verb(tool))
}

/// The sorted words of a label without "request" or "response" and filler words: equal for the two halves of an
/// example. `None` if the label does not name the wanted half.
pub fn stem(label: &str, wanted: Announces) -> Option<Vec<String>> {
    let half = match wanted {
        Announces::Request => &REQUEST,
        _ => &RESPONSE,
    };
    if !half.is_match(label) {
        return None;
    }
    let mut rest = words(&half.replace_all(label, " "));
    rest.retain(|word| !is_filler(word));
    rest.sort();
    Some(rest)
}

fn is_filler(word: &str) -> bool {
    let is_expected = |found: regex::Match<'_>| found.len() == word.len();
    is_one_of(word, FILLER) || SAYS_EXPECTED.find(word).is_some_and(is_expected)
}

/// Whether a line is the language or a button of a code block that was copied as text.
pub fn is_leftover(line: &str) -> bool {
    const WORDS: &str = "json|javascript|bash|http|copy|copy code|edit|copiar|copiar código|editar|copier|kopieren|копировать|копировать код|复制|复制代码|コピー|복사";
    let line = line.trim().to_lowercase();
    WORDS.split('|').any(|word| word == line)
}

/// Whether a sentence leads to what is below it.
pub fn leads(sentence: &str) -> bool {
    sentence.ends_with([':', '：'])
}

/// The last sentence of a paragraph, which announces what is below it.
pub fn last_sentence(text: &str) -> &str {
    let last = text.trim().lines().last().unwrap_or_default().trim();
    last.rsplit_once(". ")
        .map_or(last, |(_, sentence)| sentence)
}

/// A file that a label names.
static FILE: LazyLock<Regex> = regex!(
    r"(?i)(?:^|[\s/(`])[\w.-]+\.(?:jsonc?|json5|ya?ml|toml|env|config|[cm]?[jt]sx?)(?:$|[\s:,.)`])|\b(?:config|configuration|fixture|(?:config\w*|settings|data|json|this|a|the\s+\w+|following)\s+file)\b"
);

/// Whether a label says that the block below it is a file and not a response: "Add this to `config.json`:".
pub fn names_a_file(label: &str) -> bool {
    !RESPONSE.is_match(label) && FILE.is_match(label)
}

/// Whether a paragraph says that there is no response body. "No body" alone, beside the URL of a request, is about the
/// request, unless `in_response`.
pub fn says_no_body(text: &str, in_response: bool) -> bool {
    static STATUS: LazyLock<Regex> = regex!(r"\b[1-5]\d\d\b");
    static ALONE: LazyLock<Regex> = regex!(
        r"(?i)^\W*(?:no|without(?:\s+a)?|ohne|kein|sin|sem|senza|без)\s+(?:body|rumpf|cuerpo|corpo|тела)\W*$"
    );
    if ALONE.is_match(text) && !in_response && !STATUS.is_match(text) {
        return false;
    }
    static NO_BODY: LazyLock<Regex> = regex!(
        r"(?xi)no\s+(?:response\s+)?body | empty\s+(?:body|response) | no\s+content | body\s+is\s+empty | returns\s+nothing |
            no\s+response\s+is\s+returned | response\s+body:\s+none | without\s+(?:a\s+)?body |
            \b(?:ohne|leere[rn]?|keine?n?)\s+(?:body|rumpf|inhalt|antwortkörper) | \b(?:sans|pas\s+de)\s+(?:corps|contenu|body) | (?:corps|réponse)\s+vide |
            \b(?:sin|sem|senza)\s+(?:body|cuerpo|contenido|corpo|conteúdo|contenuto) | (?:cuerpo|corpo)\s+(?:vac[ií]o|vazio|vuoto) |
            \b(?:без\s+тела|тело\s+пустое|пустое\s+тело) | (?:geen|bez|utan)\s+(?:body|inhoud|treści|innehåll) | 本文なし | ボディなし |
            无响应体 | 无内容 | 본문\s*없음"
    );
    // "No body is needed" is about the request.
    const NEEDED: &str = "need needed needs required necessary nötig notwendig erforderlich benötigt nécessaire requis necesario \
         necesaria necessário necessária necessario richiesto нужно нужен требуется";
    // "Send it without a body", "A GET has no body", "Returns nothing else"
    static SENT: LazyLock<Regex> = regex!(
        r"(?i)\b(?:sends?|sent|sending|call)\b|(?-i:\b(?:GET|HEAD|POST|PUT|PATCH|DELETE)s?)\s+(?:has|have|needs?|takes?)\b"
    );
    let is_of_request = |sentence: &str| {
        let is_sent = || SENT.is_match(sentence) && !STATUS.is_match(sentence);
        has_word(sentence, NEEDED)
            || has_word(sentence, "else")
            || (REQUEST.is_match(sentence) || is_sent()) && !RESPONSE.is_match(sentence)
    };
    // "Success: 200. Not found: 404 (empty body)"
    static SUCCESS: LazyLock<Regex> = regex!(r"\b2\d\d\b");
    static ERROR: LazyLock<Regex> = regex!(r"\b[45]\d\d\b");
    let is_of_error = |sentence: &str| {
        ERROR.is_match(sentence) && !SUCCESS.is_match(sentence) && SUCCESS.is_match(text)
    };
    text.split(['\n', '。'])
        .flat_map(|line| line.split(". "))
        .any(|sentence| {
            NO_BODY.is_match(sentence) && !is_of_request(sentence) && !is_of_error(sentence)
        })
}

/// Normalizes a name for comparing headings with the front matter: no markup, lower case, single spaces.
pub fn plain_name(text: &str) -> String {
    let bare: String = text
        .chars()
        .filter(|c| !matches!(c, '`' | '*' | '_' | '"' | ':'))
        .collect();
    bare.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_labels_announce() {
        let rows = [
            ("`POST` user request example", Announces::Request),
            ("`POST` user response example", Announces::Response),
            ("cURL command", Announces::Request),
            ("cURL response", Announces::Response),
            ("Response:", Announces::Response),
            ("Response body", Announces::Response),
            ("Response format", Announces::OtherJson),
            ("Request body", Announces::RequestBody),
            ("Original Resource:", Announces::OtherJson),
            ("Who uses it?", Announces::Unspecific),
            ("Sample response:", Announces::Response),
            ("Expected output", Announces::Response),
            ("Return body", Announces::Response),
            ("Return body properties", Announces::OtherJson),
            ("Réponse", Announces::Response),
            ("Beispielantwort", Announces::Response),
            ("Respuesta (200)", Announces::Response),
            ("Corps de la requête", Announces::RequestBody),
            ("Anfrage", Announces::Request),
        ];
        for (label, expected) in rows {
            assert_eq!(heading(label), expected, "{label}");
        }
        let rows = [
            ("You should see the following data:", Announces::Response),
            ("The response has this format:", Announces::Response),
            ("with this request body:", Announces::RequestBody),
            ("Original record:", Announces::OtherJson),
            ("The body:", Announces::Body),
            ("Data example", Announces::Body),
            ("Payload", Announces::RequestBody),
            ("This request gives:", Announces::Response),
            ("The output of this request:", Announces::Response),
            ("We receive:", Announces::Response),
            ("Server replies", Announces::Response),
            ("Send this request:", Announces::Request),
            ("La requête renvoie :", Announces::Response),
            ("Corps de la réponse :", Announces::Response),
            ("Die Anfrage liefert:", Announces::Response),
            ("Anfragekörper:", Announces::RequestBody),
            ("Antwortkörper:", Announces::Response),
            ("La petición devuelve:", Announces::Response),
            ("Cuerpo de la petición:", Announces::RequestBody),
            ("A requisição retorna:", Announces::Response),
            ("Тело запроса:", Announces::RequestBody),
            ("Сервер вернёт:", Announces::Response),
            ("Ответ:", Announces::Response),
            ("请求参数：", Announces::RequestBody),
            ("返回结果：", Announces::Response),
            ("レスポンス", Announces::Response),
            ("النتيجة المتوقعة", Announces::Response),
            ("Beklenen sonuç", Announces::Response),
            ("İstek gövdesi", Announces::RequestBody),
            ("Förväntat svar", Announces::Response),
            ("預期結果", Announces::Response),
        ];
        for (label, expected) in rows {
            assert_eq!(super::label(label), expected, "{label}");
        }
    }

    #[test]
    fn sentences_about_something_else() {
        let rows = [
            ("To create one you send:", true),
            ("Then post this document to `/authors`:", true),
            ("Use this filter in the app:", true),
            ("The webhook then receives:", true),
            ("In version 1 the response was:", true),
            ("Before v2.1 the server returned:", true),
            ("Do not confuse it with the response of GitHub:", true),
            ("What the user sends me:", true),
            ("The user sends back:", false),
            ("You then get:", false),
            ("After you post it, the server returns:", false),
            ("The response looks like this:", false),
            ("What comes back:", false),
            ("The new record:", false),
            ("The server returns the list of subscribers:", false),
            ("Unlike PUT, PATCH returns the whole record:", false),
            ("The list contains the previously created record:", false),
            ("Since version 2 the response is:", false),
            ("After you create the user, the record is:", false),
            ("This event is sent to your webhook:", true),
            ("To create one, use this document:", true),
            ("The response used to be:", true),
            ("Old format:", true),
            ("v1 response (deprecated):", true),
            ("Version 1 returned:", true),
            ("Bis Version 1 lautete die Antwort:", true),
            ("The old record is gone, the response is:", false),
        ];
        for (sentence, elsewhere) in rows {
            assert_eq!(is_elsewhere(sentence), elsewhere, "{sentence}");
        }
    }

    #[test]
    fn sentences_that_surely_introduce_a_response() {
        let rows = [
            ("The server returns:", true),
            ("Response (200 OK):", true),
            ("Example:", true),
            ("Die Antwort:", true),
            ("The response looks like this:", true),
            ("What it sends back:", true),
            ("What I send back", true),
            ("What you get back:", true),
            ("This comes back:", true),
            ("The JSON I send:", false),
            ("What the user sends me:", false),
            ("GitHub would answer:", false),
            ("A wrong response would be:", false),
            ("It does not return this:", false),
            ("With another database the response is:", false),
            ("The schema of the response:", false),
            ("New author:", false),
            ("Respuesta exitosa (201):", true),
            ("Antwort (ein neuer Song):", true),
            ("النتيجة المتوقعة:", true),
            ("Antwort der alten Version:", false),
        ];
        for (sentence, sure) in rows {
            assert_eq!(surely_introduces(sentence), sure, "{sentence}");
        }
    }

    #[test]
    fn labels_of_files() {
        let rows = [
            ("Add this to `config.json`:", true),
            ("The file db.json now contains:", true),
            ("package.json", true),
            ("Your configuration:", true),
            ("The response is that of db.json:", false),
            ("Get it as JSON:", false),
            ("200 OK", false),
        ];
        for (label, is_file) in rows {
            assert_eq!(names_a_file(label), is_file, "{label}");
        }
    }

    #[test]
    fn the_halves_of_an_example_share_a_stem() {
        let rows = [
            (
                "`GET` user request (example)",
                "`GET` user response (example)",
                true,
            ),
            ("cURL command", "cURL response", true),
            ("cURL command", "Postman response", false),
            ("Request example", "Response example", true),
            ("Request example", "Response format", false),
            (
                "`GET` example request (curl)",
                "`GET` example response (curl)",
                true,
            ),
        ];
        for (request, response, same) in rows {
            let halves = (
                stem(request, Announces::Request),
                stem(response, Announces::Response),
            );
            assert_eq!(
                halves.0.is_some() && halves.0 == halves.1,
                same,
                "{request} / {response}"
            );
        }
    }
}
