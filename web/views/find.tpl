% rebase("layout", heading=say("find.title"), sheets=["ticket.css"])
% at_number = problem and problem.field == "number"
<div id="order">
<h1 class="quiet">{{say("find.title")}}</h1>
<p class="lead">{{say("find.lead")}}</p>
<form class="find" method="post" action="/find">
<div class="field">
  <label for="number">{{say("find.number")}}</label>
  <input id="number" name="number" value="{{fields.get("number", "")}}" required maxlength="40" autocomplete="off" autocapitalize="characters" spellcheck="false" aria-describedby="{{"number-error" if at_number else "number-hint"}}"{{!' aria-invalid="true" autofocus' if at_number else ""}}>
% if at_number:
  <p class="error" id="number-error">{{problem.detail(language)}}</p>
% else:
  <p class="small" id="number-hint">{{say("find.hint")}}</p>
% end
</div>
<div class="field">
  <label for="buyer">{{say("sale.buyer")}}</label>
  <input id="buyer" name="buyer" value="{{fields.get("buyer", "")}}" required maxlength="128" autocomplete="name">
</div>
% if problem and not at_number:
<div class="notice bad" id="problem" tabindex="-1" autofocus><p>{{problem.detail(language)}}</p></div>
% end
<button>{{say("find.find")}}</button>
</form>
</div>
