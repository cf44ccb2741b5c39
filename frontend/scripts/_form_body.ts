// Reads a request body from a form. A control's name says where its value belongs in the body: `policy.horizonDays`,
// `address.0`. The words in `data-as` say how to read the value:
//
// - number: multiplied by the value of the control whose id is in `data-unit`, if there is one
// - null: null if it is empty
// - omit: left out if it is empty
// - json: parsed as JSON
// - list: one value per line; for checkboxes with the same name, the checked values or, with `list null`, null if none
//   are checked
// - end: an end time, where midnight is 24:00

export type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
export type Body = { [name: string]: unknown };

/** Return a form's controls that have a name and are enabled, as are the fieldsets around them. */
export function controlsOf(form: HTMLFormElement): Control[] {
  const controls = [...form.elements].filter((element): element is Control =>
    element.matches("input, select, textarea"),
  );
  return controls.filter((control) => control.name !== "" && !control.matches(":disabled"));
}

function valueOf(control: Control): unknown {
  const kind = control.dataset.as ?? "";
  if (control instanceof HTMLInputElement && control.type === "checkbox") return control.checked;
  const text = control.value.trim();
  if (kind.includes("null") && text === "") return null;
  if (kind.includes("omit") && text === "") return undefined;
  if (kind.includes("list")) return linesOf(text);
  if (kind.includes("number")) return text === "" ? null : Number(text) * unitOf(control);
  if (kind.includes("json")) return JSON.parse(text) as unknown;
  if (kind.includes("end") && text === "00:00") return "24:00";
  return text;
}

function linesOf(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter(Boolean);
}

function unitOf(control: Control): number {
  const unit = document.getElementById(control.dataset.unit ?? "") as HTMLSelectElement | null;
  return Number(unit?.value ?? 1);
}

/** Set the value at a place in the body. */
function setMember(body: Body, place: string, value: unknown): void {
  const path = place.split(".");
  let container: Body = body;
  path.slice(0, -1).forEach((name, index) => {
    container[name] ??= /^\d+$/.test(path[index + 1]!) ? [] : {};
    container = container[name] as Body;
  });
  container[path.at(-1)!] = value;
}

export function bodyOf(form: HTMLFormElement): Body {
  const body: Body = {};
  const lists = new Map<string, unknown[]>();
  const nullable = new Set<string>();
  for (const control of controlsOf(form)) {
    const { type, checked } = control as HTMLInputElement;
    if (type === "radio" && !checked) continue;
    const kind = control.dataset.as ?? "";
    if (type !== "checkbox" || !kind.includes("list")) {
      const value = valueOf(control);
      if (value !== undefined) setMember(body, control.name, value);
      continue;
    }
    const list = lists.get(control.name) ?? [];
    lists.set(control.name, list);
    if (kind.includes("null")) nullable.add(control.name);
    if (checked) list.push(kind.includes("number") ? Number(control.value) : control.value);
  }
  for (const [name, list] of lists) setMember(body, name, list.length || !nullable.has(name) ? list : null);
  return body;
}
