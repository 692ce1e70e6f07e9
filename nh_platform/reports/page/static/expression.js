"use strict";
// Filter expressions over the columns of a table: `pass == false && depth >= 1000`, `region in (CA1, CA3)`,
// `reason contains "noise"`, `!(probe == probe00) || n_spikes < 500`. Parsed here and never run as a script.
//
// nhFilter(text, column) gives {test(row)} or throws NhFilterError, whose message says what is wrong. ``column(name)``
// gives {name, kind: "number" | "bool" | "text", unit, values: [value(row), …]} or null. Several values, as of a region
// in several atlases, fit where one of them does. Nothing is known of a missing value: it is neither smaller nor larger
// than any other, and equal to `none` alone.

class NhFilterError extends Error {}

const nhTokens = (text) => {
  const found = [];
  const pattern = /\s+|(&&|\|\||==|!=|<=|>=|=|<|>|!|~|\(|\)|,)|([-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|`([^`]+)`|([\p{L}\p{N}_][\p{L}\p{N}_.@/:-]*)|(.)/gsu;
  for (const [whole, sign, number, double, single, quotedName, word, other] of text.matchAll(pattern)) {
    if (sign) found.push({ is: "sign", text: sign });
    else if (number !== undefined) found.push({ is: "number", text: whole, value: Number(whole.replace("−", "-")) });
    else if (double !== undefined || single !== undefined) found.push({ is: "text", text: whole, value: (double ?? single).replace(/\\(.)/g, "$1") });
    else if (quotedName) found.push({ is: "word", text: quotedName, quoted: true });
    else if (word) found.push({ is: "word", text: word });
    else if (other === '"' || other === "'" || other === "`") throw new NhFilterError(`The quotation mark ${other} is not closed.`);
    else if (other) throw new NhFilterError(`“${other}” has no meaning in a filter. Comparisons are == != < <= > >=, joined by && and ||.`);
  }
  return found;
};

const nhComparisons = {
  "==": (a, b) => a === b, "!=": (a, b) => a !== b, "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};
const NH_DEEPEST = 200; // brackets and negations within each other; some thousands exhaust a browser's stack
const nhMissing = (value) => value === null || value === undefined || Number.isNaN(value);

const nhFilter = (text, column, names = []) => {
  const tokens = nhTokens(text);
  let at = 0, depth = 0;
  const here = () => tokens[at];
  const isSign = (...signs) => here()?.is === "sign" && signs.includes(here().text);
  const isWord = (...words) => here()?.is === "word" && !here().quoted && words.includes(here().text.toLowerCase());
  const fail = (words) => { throw new NhFilterError(words); };

  const either = () => {
    let left = both();
    while (isSign("||") || isWord("or")) {
      at++;
      const one = left, other = both();
      left = (row) => one(row) || other(row);
    }
    return left;
  };
  const both = () => {
    let left = negated();
    while (isSign("&&") || isWord("and")) {
      at++;
      const one = left, other = negated();
      left = (row) => one(row) && other(row);
    }
    return left;
  };
  const negated = () => {
    if (++depth > NH_DEEPEST) fail(`More than ${NH_DEEPEST} brackets and negations lie within each other.`);
    const found = innermost();
    depth--;
    return found;
  };
  const innermost = () => {
    if (isSign("!") || isWord("not")) {
      at++;
      const one = negated();
      return (row) => !one(row);
    }
    if (isSign("(")) {
      at++;
      const inner = either();
      if (!isSign(")")) fail("A bracket ( is not closed.");
      at++;
      return inner;
    }
    return comparison();
  };
  const comparison = () => {
    const token = here();
    if (!token) fail(at ? `Something is missing after “${tokens[at - 1].text}”.` : "The filter is empty.");
    if (token.is !== "word") fail(`“${token.text}” stands where the name of a column was expected, for example depth >= 1000.`);
    const left = column(token.text) ?? fail(unknown(token.text));
    at++;
    if (isSign("=")) fail("Equal is written == (two signs).");
    if (isSign("==", "!=", "<", "<=", ">", ">=")) {
      const sign = tokens[at++].text;
      return compared(left, sign, operand(left, sign));
    }
    if (isSign("~") || isWord("contains")) {
      at++;
      const part = here() ?? fail("A text is missing after “contains”.");
      if (part.is === "sign") fail(`“${part.text}” stands where a text was expected.`);
      at++;
      const wanted = String(part.value ?? part.text).toLowerCase();
      return (row) => left.values.some((value) => !nhMissing(value(row)) && String(value(row)).toLowerCase().includes(wanted));
    }
    if (isWord("in")) {
      at++;
      if (!isSign("(")) fail(`After “in” comes a list in brackets, for example ${left.name} in (CA1, CA3).`);
      const tests = [];
      do {
        at++;
        tests.push(compared(left, "==", operand(left, "==")));
      } while (isSign(","));
      if (!isSign(")")) fail("The list after “in” is not closed by ).");
      at++;
      return (row) => tests.some((test) => test(row));
    }
    if (left.kind !== "bool") fail(`${left.name} is ${left.kind === "number" ? "a number" : "text"}; compare it, for example ${left.name} ${left.kind === "number" ? ">= 1" : '== "…"'}.`);
    return (row) => left.values[0](row) === true;
  };
  const unknown = (name) => {
    const near = nhNearest(name, names);
    return `There is no column “${name}”${near ? `; did you mean ${near}?` : ". The columns are listed under “Columns”."}`;
  };
  // What a column is compared with: {missing}, {value}, or {column}.
  const operand = (left, sign) => {
    const token = here() ?? fail(`Something is missing after “${sign}”.`);
    if (token.is === "sign") fail(`“${token.text}” stands where a value was expected after “${sign}”.`);
    at++;
    if (token.is === "word" && !token.quoted && ["none", "null", "nan", "missing"].includes(token.text.toLowerCase())) {
      if (sign !== "==" && sign !== "!=") fail(`Nothing is smaller or larger than ${token.text}; use == or !=.`);
      return { missing: true };
    }
    if (left.kind === "bool") {
      const said = new Map([["true", true], ["false", false], ["yes", true], ["no", false], ["1", true], ["0", false]]).get(token.text.toLowerCase());
      if (said === undefined) fail(`${left.name} is true or false, and is compared with “${token.text}”.`);
      return { value: said };
    }
    if (left.kind === "number") {
      if (token.is === "number") return { value: token.value };
      const other = token.is === "word" ? column(token.text) : null;
      if (other?.kind === "number") return { column: other };
      if (token.is === "word" && !other) fail(nhNearest(token.text, names) ? unknown(token.text) : `${left.name} is a number${nhUnit(left.unit) ? ` (${nhUnit(left.unit)})` : ""}, and is compared with “${token.text}”.`);
      return fail(`${left.name} is a number${nhUnit(left.unit) ? ` (${nhUnit(left.unit)})` : ""}, and is compared with ${token.is === "word" ? "the column " : "the text "}${token.text}.`);
    }
    if (token.is === "word" && token.quoted) {
      const other = column(token.text) ?? fail(unknown(token.text));
      return { column: other };
    }
    return { value: token.is === "text" ? token.value : token.text };
  };
  const compared = (left, sign, right) => {
    if (right.missing) {
      const none = (row) => left.values.every((value) => nhMissing(value(row)));
      return sign === "==" ? none : (row) => !none(row);
    }
    const fits = nhComparisons[sign === "!=" ? "==" : sign], text = left.kind === "text";
    const plain = text ? (value) => String(value).toLowerCase() : (value) => value;
    const wanted = right.column ? null : plain(right.value);
    const holds = (row) => {
      const other = right.column ? right.column.values[0](row) : wanted;
      if (nhMissing(other)) return false;
      return left.values.some((value) => { const found = value(row); return !nhMissing(found) && fits(plain(found), right.column ? plain(other) : other); });
    };
    return sign === "!=" ? (row) => !holds(row) : holds;
  };

  const test = either();
  if (at < tokens.length) {
    fail(here().text === ")" ? "A bracket ) was never opened." : `“${here().text}” stands where && or || was expected.`);
  }
  return { test };
};

// The name of a column that is a letter or a swap of two away, or that begins so; empty where there is none.
const nhNearest = (name, names) => {
  const wanted = name.toLowerCase();
  let best = "", least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const one of names) {
    const away = nhDistance(wanted, one.toLowerCase());
    if (away < least) { least = away; best = one; }
  }
  return best || names.find((one) => wanted.length > 3 && one.toLowerCase().includes(wanted)) || "";
};

const nhDistance = (a, b) => {
  if (Math.abs(a.length - b.length) > 3) return 9;
  const rows = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
};
