// Of an appointment type: its price and its name.
//
// A price as people type it becomes minor units, as many as its currency has: 12.50 euros, 1250 yen. Digits are moved and nothing is rounded.
const amount = document.getElementById("amount") as HTMLInputElement;
const currency = document.getElementById("currency") as HTMLSelectElement;
const price = document.getElementById("price") as HTMLInputElement;

function read(): void {
  const decimals = Number(currency.selectedOptions[0]?.dataset["decimals"] ?? 2);
  const [, whole, part = ""] = /^(\d{1,12})(?:[.,](\d*))?$/.exec(amount.value.replace(/\s/g, "")) ?? [];
  const good = whole !== undefined && part.length <= decimals;
  const example = decimals ? `12.${"50".padEnd(decimals, "0").slice(0, decimals)}` : "1250";
  amount.setCustomValidity(good || amount.value.trim() === "" ? "" : (amount.dataset["wrong"] ?? "").replace("{example}", example));
  document.getElementById("price-fault")!.textContent = amount.validationMessage;
  price.value = good ? JSON.stringify({ amount: Number(whole + part.padEnd(decimals, "0")), currency: currency.value }) : "null";
}

// Two of one name cannot be told apart by whoever chooses. One that shares its name already may keep it.
const called = document.getElementById("name") as HTMLInputElement;
const plain = (text: string): string => text.trim().replace(/\s+/g, " ").toLocaleLowerCase();
const taken = new Set((JSON.parse(called.dataset["taken"] ?? "[]") as string[]).map(plain));

function compare(): void {
  called.setCustomValidity(taken.has(plain(called.value)) && called.value !== called.defaultValue ? (called.dataset["wrong"] ?? "") : "");
  document.getElementById("name-fault")!.textContent = called.validity.customError ? called.validationMessage : "";
}

called.addEventListener("input", compare);
amount.addEventListener("input", read);
currency.addEventListener("input", read);
read();
