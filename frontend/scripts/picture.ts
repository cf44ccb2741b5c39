// Reads a chosen picture into the hidden field that the form sends, in Base64.

const MAX_BYTES = 4 * 1024 * 1024;

for (const input of document.querySelectorAll<HTMLInputElement>("input[data-picture]")) {
  const content = document.getElementById(input.dataset["picture"]!) as HTMLInputElement;
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    content.value = "";
    input.setCustomValidity(file && file.size > MAX_BYTES ? (input.dataset["wrong"] ?? "") : "");
    input.reportValidity();
    if (!file || file.size > MAX_BYTES) return;
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      content.value = String(reader.result).replace(/^[^,]*,/, "");
    });
    reader.readAsDataURL(file);
  });
}

export {};
