// What patients' pages do beyond what they do without a script.
export {};
