// What two parties counted, side by side.

export interface Side {
  readonly what: string;
  readonly value: number;
}

export interface Equation {
  readonly name: string;
  readonly left: Side;
  readonly relation: '=' | '≤';
  readonly right: Side;
  readonly holds: boolean;
}

export function equal(name: string, left: [string, number], right: [string, number]): Equation {
  return equation(name, left, '=', right, left[1] === right[1]);
}

export function atMost(name: string, left: [string, number], right: [string, number]): Equation {
  return equation(name, left, '≤', right, left[1] <= right[1]);
}

function equation(
  name: string,
  [leftWhat, leftValue]: [string, number],
  relation: '=' | '≤',
  [rightWhat, rightValue]: [string, number],
  holds: boolean,
): Equation {
  return {
    name,
    left: { what: leftWhat, value: leftValue },
    relation,
    right: { what: rightWhat, value: rightValue },
    holds,
  };
}
