import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ImportDeclaration,
  isCallExpression,
  isClassDeclaration,
  isEnumDeclaration,
  isExportDeclaration,
  isFunctionDeclaration,
  isFunctionLikeDeclaration,
  isIdentifier,
  isImportDeclaration,
  isNamedImports,
  isStringLiteral,
  isVariableStatement,
  type ModifiersBase,
  type Node,
  type SourceFile,
  type Statement,
  SyntaxKind,
} from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Parses alone: resolves nothing, checks nothing. There is no such file; the compiler is told that there is. */
const CONFIG_FILE = path.join(ROOT, 'tsconfig.parse-only.json');
const CONFIG = {
  compilerOptions: { noLib: true, noResolve: true, types: [], allowJs: true, jsx: 'preserve', module: 'nodenext' },
  include: ['src', 'test', 'bench', 'scripts', 'bin', '*.ts'],
  exclude: ['**/node_modules'],
};

export interface SourceImport {
  /** As written: `./x.js`, `koa`, `node:fs`. */
  readonly specifier: string;
  /** Names at their origin; null: all of them (`import * as`, `import()`). */
  readonly names: readonly string[] | null;
  /** Ties types alone; nothing of it is left when the program runs. */
  readonly isTypeOnly: boolean;
}

export interface SourceFunction {
  /** `name` or the kind of syntax, with the line. */
  readonly title: string;
  readonly lines: number;
}

/** What a file of Firn's own says of itself, read by TypeScript's parser. */
export interface SourceTree {
  /** From the root of the repository, with slashes: `src/main.ts`. */
  readonly name: string;
  readonly imports: readonly SourceImport[];
  readonly exportedValues: readonly string[];
  readonly functions: readonly SourceFunction[];
}

/** Every source file of the repository. Takes a second or two. */
export function readSourceTrees(): SourceTree[] {
  const fs = {
    fileExists: (name: string) => (name === CONFIG_FILE ? true : undefined),
    readFile: (name: string) => (name === CONFIG_FILE ? JSON.stringify(CONFIG) : undefined),
  };
  const api = new API({ cwd: ROOT, fs });
  try {
    const program = api.updateSnapshot({ openProjects: [CONFIG_FILE] }).getProject(CONFIG_FILE)!.program;
    return program.getSourceFileNames().map((name) => {
      const tree = program.getSourceFile(name)!;
      return { name: nameOf(name), ...readTree(tree) };
    });
  } finally {
    api.close();
  }
}

/** What these configurations of the compiler take in, by the same names. */
export function typeCheckedFiles(...configs: readonly string[]): Set<string> {
  const api = new API({ cwd: ROOT });
  try {
    return new Set(configs.flatMap((config) => api.parseConfigFile(path.join(ROOT, config)).fileNames.map(nameOf)));
  } finally {
    api.close();
  }
}

function nameOf(file: string): string {
  return path.relative(ROOT, file).split(path.sep).join('/');
}

function readTree(tree: SourceFile): Omit<SourceTree, 'name'> {
  const imports: SourceImport[] = [];
  const functions: SourceFunction[] = [];
  const visit = (node: Node): void => {
    const found = importOf(node);
    if (found) imports.push(found);
    if (isFunctionLikeDeclaration(node)) functions.push(functionOf(node, tree));
    node.forEachChild(visit);
  };
  tree.forEachChild(visit);
  return { imports, functions, exportedValues: tree.statements.flatMap(exportedValuesOf) };
}

function importOf(node: Node): SourceImport | null {
  if (isImportDeclaration(node) && isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, ...namesOf(node) };
  }
  if (isExportDeclaration(node) && node.moduleSpecifier && isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, names: null, isTypeOnly: node.isTypeOnly };
  }
  if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) {
    const [first] = node.arguments;
    if (first && isStringLiteral(first)) return { specifier: first.text, names: null, isTypeOnly: false };
  }
  return null;
}

function namesOf({ importClause }: ImportDeclaration): Pick<SourceImport, 'names' | 'isTypeOnly'> {
  if (!importClause) return { names: [], isTypeOnly: false };
  const isTypeClause = importClause.phaseModifier === SyntaxKind.TypeKeyword;
  const { namedBindings } = importClause;
  if (!namedBindings || !isNamedImports(namedBindings)) return { names: null, isTypeOnly: isTypeClause };
  const specifiers = [...namedBindings.elements];
  return {
    names: specifiers.map(({ propertyName, name }) => (propertyName ?? name).text),
    isTypeOnly: isTypeClause || specifiers.every(({ isTypeOnly }) => isTypeOnly),
  };
}

function functionOf(node: Node, tree: SourceFile): SourceFunction {
  const [first, last] = [node.getStart(tree), node.end].map((at) => tree.getLineAndCharacterOfPosition(at).line);
  const name = (node as { readonly name?: { readonly text?: string } }).name?.text ?? SyntaxKind[node.kind];
  return { title: `${name}, line ${first! + 1}`, lines: last! - first! + 1 };
}

function exportedValuesOf(statement: Statement): string[] {
  if (isVariableStatement(statement)) {
    if (!isExported(statement)) return [];
    return [...statement.declarationList.declarations].flatMap(({ name }) => (isIdentifier(name) ? [name.text] : []));
  }
  const isValue = isFunctionDeclaration(statement) || isClassDeclaration(statement) || isEnumDeclaration(statement);
  return isValue && statement.name && isExported(statement) ? [statement.name.text] : [];
}

function isExported({ modifiers }: ModifiersBase): boolean {
  return [...(modifiers ?? [])].some(({ kind }) => kind === SyntaxKind.ExportKeyword);
}
