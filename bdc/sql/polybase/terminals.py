"""What the grammar calls the lexer's words that are no keywords."""

MARKS = {"(": "LPAR", ")": "RPAR", ",": "COMMA", ".": "DOT", "=": "EQUAL", ":": "COLON"}
KINDS = {"string": "STRING", "number": "NUMBER", "variable": "VARIABLE"}
