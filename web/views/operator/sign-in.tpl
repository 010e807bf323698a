% rebase("page-layout", heading=say("operators.sign-in"), here="")
<div class="narrow">
<h1>{{say("operators.sign-in")}}</h1>
% if here_only:
<p class="notice bad" role="status">{{say("operators.left-here")}}</p>
% end
% if refusal:
<p class="notice bad" role="alert" id="refusal">{{say("operators.wrong-token") if refusal.status == 401 else refusal.detail(language)}}</p>
% end
<form class="sheet" method="post" action="/operator/sign-in">
  <input class="unseen" name="username" value="operator" autocomplete="username" tabindex="-1" aria-hidden="true" readonly>
  <label for="token">{{say("operators.token")}}</label>
  <input id="token" name="token" type="password" required autocomplete="current-password" autofocus spellcheck="false" aria-describedby="where{{" refusal" if refusal else ""}}"{{!' aria-invalid="true"' if refusal else ""}}>
  <p class="hint" id="where">{{say("operators.where")}}</p>
  <button class="main">{{say("operators.enter")}}</button>
</form>
</div>
