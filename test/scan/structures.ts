/** What each of scan's rules leaves of its own example: examples are one loop (src/scan/examples.ts) with a state s, a row x[t], and constants k and u (unused). */
export const STRUCTURES: Readonly<Record<string, string>> = {
  scanMerge: "add(%0=scan{body=%0=add(mul(s[t-1], k), x[t]); mul(%0, 2); %0, sequences=1, carries=1, keep=[all,all], truncate=null, name=example}(3, x, s, k, u).2, %0.1)",
  scanConstantState: "scan{body=%0=add(mul(s[t-1], k), x[t]); %0; mul(%0, 2), sequences=1, carries=1, keep=[all,all], truncate=null, name=example}(3, x, s, k).1",
  scanMergeInputs: "scan{body=%0=add(mul(s[t-1], k), x[t]); mul(%0, k), sequences=1, carries=1, keep=[all], truncate=null, name=example}(3, x, s, k, u).1",
  scanDropUnused: "scan{body=%0=add(mul(s[t-1], k), x[t]); %0, sequences=1, carries=1, keep=[all], truncate=null, name=example}(3, x, s, k).1",
  scanLastIsFinal: "scan{body=%0=add(mul(s[t-1], k), x[t]); %0; mul(%0, 2), sequences=1, carries=1, keep=[all,all], truncate=null, name=example}(3, x, s, k, u).0",
  scanKeepLast: "subtensor{items=[{at:-1}]}(rebroadcast{broadcastable=[false]}(dimShuffle{order=[null]}(scan{body=%0=add(mul(s[t-1], k), x[t]); %0; mul(%0, 2), sequences=1, carries=1, keep=[all,last], truncate=null, name=example}(3, x, s, k, u).2)))",
  rowOfOne: "subtensor{items=[{start:null,stop:null,step:null}]}(add(x, dimShuffle{order=[null]}(1)))",
  scanLength: "add(3, 1)",
  scanUnrollOne: "add(rebroadcast{broadcastable=[false]}(dimShuffle{order=[null]}(mul(add(mul(s, k), subtensor{items=[{at:0}]}(x)), 2))), dimShuffle{order=[null]}(1))",
  scanHoist: "scan{body=%0=add(mul(s[t-1], k), x[t]); mul(%0, #3), sequences=1, carries=1, keep=[all], truncate=null, name=example}(3, x, s, k, tanh(k)).1",
  scanDotOfSequence: "scan{body=tanh(#0), sequences=1, carries=0, keep=[all], truncate=null, name=example}(3, dot(x, W))",
  scanSumOfProducts: "add(W, dot(dimShuffle{order=[1,0]}(subtensor{items=[{start:0,stop:3,step:null},{start:null,stop:null,step:null}]}(x)), scan{body=%0=tanh(add(h[t-1], x[t])); %0, sequences=1, carries=1, keep=[all], truncate=null, name=example}(3, x, h).1))",
};
